"""``python -m components.config_generation``: makes a run's pipeline.config by hand."""

from __future__ import annotations

import json
from pathlib import Path

import click

from components.config_generation.base_config import base_names
from components.config_generation.step import generate_pipeline_config
from components.step import run_step

_HELP = f"""Make a complete pipeline.config from a base, the validated data and parameters.

Writes OUTPUT/pipeline.config, and OUTPUT/changes.md: what changed against the base, and why.

\b
Bases that ship with the product:
{chr(10).join("  " + name for name in base_names())}

\b
Example:
  python -m components.config_generation \\
    --base ssd_mobilenet_v2_fpnlite_640x640 --manifest manifest.json \\
    --parameters '{{"num_steps": 2000, "batch_size": 8, "augmentation": "recipe"}}' \\
    --fine-tune-checkpoint ssd_mobilenet_v2_fpnlite_640x640_coco17_tpu-8.tar.gz --output made

\b
Parameters (each may be left out; every default keeps or derives the base's value):
  num_steps             training steps
  batch_size            images in a step
  learning_rate         the highest rate; derived: base rate x batch / base batch
  warmup_learning_rate  the rate of step 0; derived in the base's proportion
  warmup_steps          steps of rising rate; derived in the base's proportion
  decay_steps           where the decay ends; derived: the last step
  image_size            side of the network input in pixels
  num_classes           derived: the largest id of the label map
  augmentation          base, recipe (flip, crop, brightness, black patches) or none
  optimizer             momentum, adam or rms_prop
  max_boxes             labelled boxes of an image that count
  max_detections        detections of an image
  overrides             any field: {{"model.ssd.loss.classification_weight": 2.0}}
"""


@click.command(help=_HELP)
@click.option("--base", required=True, help="A shipped base's name, or the path or URI of a pipeline.config.")
@click.option("--manifest", required=True, help="The manifest.json that data validation wrote.")
@click.option(
    "--parameters", default="{}", show_default=True, help="A JSON object, or a file that holds one."
)
@click.option("--fine-tune-checkpoint", default="", help="Zoo archive, folder or prefix; none: from scratch.")
@click.option(
    "--fine-tune-checkpoint-type",
    default="detection",
    show_default=True,
    help="classification, detection or full.",
)
@click.option("--output", type=click.Path(path_type=Path), default=Path(), help="Folder; default: this one.")
@click.option("--json", "as_json", is_flag=True, help="Print the facts as JSON.")
def main(
    base: str,
    manifest: str,
    parameters: str,
    fine_tune_checkpoint: str,
    fine_tune_checkpoint_type: str,
    output: Path,
    as_json: bool,
) -> None:
    """Runs the step; its help stands in ``_HELP``."""
    if not parameters.lstrip().startswith("{") and Path(parameters).is_file():
        parameters = Path(parameters).read_text(encoding="utf-8")
    config, changes = output / "pipeline.config", output / "changes.md"
    with run_step("config_generation", ""):
        facts = generate_pipeline_config(
            base_config=base,
            manifest=manifest,
            parameters=parameters,
            fine_tune_checkpoint=fine_tune_checkpoint,
            fine_tune_checkpoint_type=fine_tune_checkpoint_type,
            pipeline_config=config,
            changes=changes,
        )
    if as_json:
        click.echo(json.dumps(facts, indent=2, sort_keys=True))
        return
    for warning in facts["warnings"]:
        click.echo(f"warning: {warning}")
    click.echo(f"{config}\n{changes}")


if __name__ == "__main__":
    main()
