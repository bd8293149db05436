"""Validates a dataset by hand: ``python -m components.data_validation --help``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from components.data_validation.findings import Severity
from components.data_validation.report import group_findings
from components.data_validation.result import ValidationResult, require_pass
from components.data_validation.step import ValidationOutputs, ValidationRequest, validate_data
from components.step import run_step

_EXAMPLE = """Checks TFRecords for everything that would spoil training.

\b
Example:
  python -m components.data_validation --train 'data/train/*.tfrecord' \\
      --eval 'data/eval/*.tfrecord' --label-map label_map.pbtxt --output out

Writes manifest.json, statistics.json, findings.json and report.html into the output folder.
Exit code 0: the data passes. 2: wrong arguments. 3: the data would spoil training.
"""


@click.command(help=_EXAMPLE)
@click.option(
    "--train", required=True, metavar="PATTERN", help="Training TFRecords: path or URI with * and **."
)
@click.option("--eval", "evaluation", required=True, metavar="PATTERN", help="Evaluation TFRecords.")
@click.option("--label-map", required=True, metavar="FILE", help="Label map (.pbtxt).")
@click.option("--policy", default="", metavar="FILE", help="A name in configs/validation, or a YAML file.")
@click.option("--num-classes", default=0, metavar="N", help="The model's classes; 0: the largest id.")
@click.option("--workers", default=0, metavar="N", help="Processes that read; 0: one a core.")
@click.option(
    "--output", required=True, metavar="DIR", type=click.Path(path_type=Path), help="Folder to write to."
)
def main(
    train: str, evaluation: str, label_map: str, policy: str, num_classes: int, workers: int, output: Path
) -> None:
    """The command; see its help."""
    with run_step("data_validation", ""):
        outputs = ValidationOutputs.in_folder(output)
        request = ValidationRequest(train, evaluation, label_map, num_classes, policy, workers)
        result = validate_data(request, outputs)
        _print_summary(result, outputs)
        require_pass(result, str(outputs.report))


def _print_summary(result: ValidationResult, outputs: ValidationOutputs) -> None:
    for name, split in result.statistics["splits"].items():
        classes = ", ".join(f"{entry['name'] or entry['id']} {entry['boxes']}" for entry in split["classes"])
        print(f"{name}: {split['images']} images, {split['boxes']} boxes ({classes})")
    for group in group_findings(result.findings, result.counts):
        print(f"{group.severity}: {group.check}: {group.count}")
    warnings = result.count(Severity.WARN)
    verdict = "passed" if result.passed else "stopped"
    print(f"{verdict}, {result.count(Severity.STOP)} findings stop, {warnings} warn", end="; ")
    print(f"{result.images_per_second:.0f} images/s; report: {outputs.report}")


if __name__ == "__main__":
    sys.exit(main())
