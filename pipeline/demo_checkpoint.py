"""``make demo-checkpoint``: pre-trains the small checkpoint that the demo starts from, and packs it.

It is a run like any other (``configs/runs/demo_checkpoint.yaml``), so it goes on where it was interrupted. The
checkpoint is packed as the zoo packs its own: ``<name>/checkpoint/ckpt-0.*`` and ``<name>/pipeline.config``.
"""

from __future__ import annotations

import gzip
import io
import json
import sys
import tarfile
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from components.config_generation.start_checkpoint import CHECKPOINTS_DIR, SUFFIX
from detection.config.reading import format_pipeline_config, load_pipeline_config
from detection.errors import EXIT_GATE_REFUSED, UserError
from pipeline.run_file import load_run_file

NAME = "demo_mobilenet_v2_fpnlite"
LARGEST_BYTES = 5_000_000
# What the zoo's own configs say where a path has to be filled in.
UNSET_PATH = "PATH_TO_BE_CONFIGURED"


def pack_checkpoint(trained: Path, archive: Path, name: str = NAME) -> int:
    """Packs a trained model as a zoo archive, with the same bytes for the same model.

    Args:
        trained: fine_tune's output: ``checkpoint/`` and ``pipeline.config``.
        archive: The ``.tar.gz`` to write, whole or not at all.
        name: The folder within the archive.

    Returns:
        The archive's size in bytes.
    """
    content = {f"checkpoint/{file.name}": file.read_bytes() for file in (trained / "checkpoint").iterdir()}
    content["pipeline.config"] = portable_config(trained / "pipeline.config").encode()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, data in sorted(content.items()):
            member = tarfile.TarInfo(f"{name}/{path}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    # No time stamp: the bytes depend on the model only.
    packed = gzip.compress(buffer.getvalue(), compresslevel=9, mtime=0)
    temporary = archive.with_name(f".{archive.name}")
    temporary.write_bytes(packed)
    temporary.replace(archive)
    return len(packed)


def portable_config(file: Path) -> str:
    """The config without the paths of the machine that it was trained on."""
    config = load_pipeline_config(file)
    for reader in (config.train_input_reader, *config.eval_input_reader):
        reader.label_map_path = UNSET_PATH
        reader.tf_record_input_reader.ClearField("input_path")
        reader.tf_record_input_reader.input_path.append(UNSET_PATH)
    return format_pipeline_config(config)


def description(record: dict[str, Any], size: int) -> dict[str, Any]:
    """What the checkpoint is and what it reached, for people and for the README."""
    training = record["steps"]["fine_tune"]["facts"]
    scenes = record["parameters"]["data"]["scenes"]
    return {
        "made_by": "make demo-checkpoint (configs/runs/demo_checkpoint.yaml)",
        "trained_on": scenes,
        "steps": training["steps"],
        "images_per_second": training["images_per_second"],
        "training_seconds": record["steps"]["fine_tune"]["seconds"],
        "metrics_on_held_out_scenes_of_its_own_look": record["metrics"],
        "per_class": record["per_class"],
        "bytes": size,
    }


@click.command()
@click.option("--runs-dir", type=click.Path(path_type=Path), default=Path("runs"), show_default=True)
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change one value of the run file."
)
@click.option("--output-dir", type=click.Path(path_type=Path), default=CHECKPOINTS_DIR, show_default=False)
def main(runs_dir: Path, settings: tuple[str, ...], output_dir: Path) -> None:
    """Pre-train the demo's checkpoint and pack it into configs/checkpoints/.

    Example: make demo-checkpoint ARGS="--set training.parameters.num_steps=200"
    """
    from pipeline.local.running import run_pipeline

    console = Console()
    run = load_run_file(Path("demo_checkpoint"), settings)
    outcome = run_pipeline(run, runs_dir.absolute(), console)
    if outcome.exit_code not in (0, EXIT_GATE_REFUSED):
        sys.exit(outcome.exit_code)
    trained = Path(outcome.record["steps"]["fine_tune"]["artifacts"]["checkpoint"])
    output_dir.mkdir(parents=True, exist_ok=True)
    archive = output_dir / f"{NAME}{SUFFIX}"
    size = pack_checkpoint(trained, archive)
    text = json.dumps(description(outcome.record, size), indent=2, sort_keys=True)
    (output_dir / f"{NAME}.json").write_text(text + "\n", encoding="utf-8")
    console.print(f"{archive}: {size / 1e6:.2f} MB (at most {LARGEST_BYTES / 1e6:.0f})", soft_wrap=True)
    if size > LARGEST_BYTES:
        raise UserError(
            "The checkpoint is too large to ship", file=archive, found=size, expected=LARGEST_BYTES
        )


if __name__ == "__main__":
    main()
