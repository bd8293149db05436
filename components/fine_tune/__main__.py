"""``python -m components.fine_tune``: trains by hand."""

from __future__ import annotations

import json
from pathlib import Path

import click

from components.step import run_step

_HELP = """Train the detector of a pipeline.config on validated data.

Writes OUTPUT/checkpoint/ckpt-0 (the zoo's layout), OUTPUT/pipeline.config and OUTPUT/curves.html.

\b
Example, from data to a trained model:
  python -m components.config_generation --base ssd_mobilenet_v2_fpnlite_640x640 \\
    --manifest manifest.json --parameters '{"num_steps": 2000, "batch_size": 8}' --output made
  python -m components.fine_tune --pipeline-config made/pipeline.config \\
    --manifest manifest.json --work-dir work --output trained
  tensorboard --logdir work/tensorboard

\b
Interrupted (Ctrl-C, SIGTERM, or killed), the same command goes on from the last working
checkpoint in WORK_DIR, with the same data order, and ends with the same number of steps.
WORK_DIR of another config, other data or another seed is refused: give a new one to start
afresh.

\b
Exit codes: 0 done, 2 configuration, 3 data, 143 interrupted (run again).
"""


@click.command(help=_HELP)
@click.option(
    "--pipeline-config", type=click.Path(path_type=Path), required=True, help="The complete config."
)
@click.option(
    "--manifest", type=click.Path(path_type=Path), required=True, help="data_validation's manifest."
)
@click.option("--work-dir", required=True, help="Folder for working checkpoints, TensorBoard and history.")
@click.option(
    "--output", type=click.Path(path_type=Path), required=True, help="Folder for the trained model."
)
@click.option("--seed", default=0, show_default=True, help="Seed of weights, data order and augmentation.")
@click.option("--checkpoint-every-steps", default=1000, show_default=True, help="0: not by steps.")
@click.option("--checkpoint-every-seconds", default=300.0, show_default=True, help="0: not by time.")
@click.option("--json", "as_json", is_flag=True, help="Print the facts as JSON at the end.")
def main(
    pipeline_config: Path,
    manifest: Path,
    work_dir: str,
    output: Path,
    seed: int,
    checkpoint_every_steps: int,
    checkpoint_every_seconds: float,
    as_json: bool,
) -> None:
    """Runs the step; its help stands in ``_HELP``."""
    # TensorFlow takes seconds to import: --help should not wait for it.
    from detection.process_tuning import train_with_onednn

    train_with_onednn()
    from components.fine_tune.step import fine_tune

    with run_step("fine_tune", ""):
        facts = fine_tune(
            pipeline_config=pipeline_config,
            manifest=manifest,
            work_dir=work_dir,
            output_dir=output,
            seed=seed,
            checkpoint_every_steps=checkpoint_every_steps,
            checkpoint_every_seconds=checkpoint_every_seconds,
        )
    if as_json:
        click.echo(json.dumps(facts, indent=2, sort_keys=True))
        return
    losses = "  ".join(f"{name} {value:.4g}" for name, value in facts["losses"].items())
    click.echo(f"{facts['steps']} steps: {losses}")
    click.echo(f"{output / 'checkpoint'}\n{output / 'curves.html'}")


if __name__ == "__main__":
    main()
