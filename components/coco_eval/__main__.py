"""``python -m components.coco_eval``: scores two COCO files, or runs a model over the eval split first."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from components.coco_eval.image_sources import FolderImages, NoImages
from components.coco_eval.report import format_number
from components.coco_eval.scorers import SCORERS
from components.coco_eval.scoring import METRIC_NAMES
from components.coco_eval.step import EvaluationResult, evaluate, score_files
from components.step import run_step
from detection.errors import ConfigError

EXAMPLES = """examples:
  python -m components.coco_eval --groundtruth coco.json --detections detections.json --output out
  python -m components.coco_eval --model runs/x/exported --manifest manifest.json --output out
  python -m components.coco_eval --model ckpt-0 --pipeline-config pipeline.config \\
      --manifest manifest.json --output out
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = _parser()
    given = parser.parse_args(arguments)
    with run_step("coco_eval", ""):
        result = _run(given)
    if given.json:
        print(json.dumps(asdict(result.evaluation), indent=1, allow_nan=False))
    else:
        print(_table(result))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m components.coco_eval",
        description="COCO metrics of a detector: metrics.json, curves.json and report.html.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    files = parser.add_argument_group("two COCO files")
    files.add_argument("--groundtruth", type=Path, help="COCO groundtruth JSON")
    files.add_argument("--detections", type=Path, help="COCO results JSON")
    files.add_argument("--images", type=Path, help="folder with the images, for the report")
    model = parser.add_argument_group("or a model and data")
    model.add_argument("--model", help="checkpoint (prefix, folder, archive) or exported bundle")
    model.add_argument("--pipeline-config", type=Path, help="the model's config; a bundle brings its own")
    model.add_argument("--manifest", help="data_validation's manifest.json (path or URI)")
    model.add_argument("--batch-size", type=int, default=8, help="images at once (default 8)")
    parser.add_argument("--output", type=Path, required=True, help="folder for the results")
    parser.add_argument("--scorer", choices=SCORERS, default=SCORERS[0], help="default: hotcoco")
    parser.add_argument("--title", default="Evaluation", help="the report's heading")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON")
    return parser


def _run(given: argparse.Namespace) -> EvaluationResult:
    from_files = given.groundtruth is not None or given.detections is not None
    from_model = given.model is not None or given.manifest is not None
    if from_files == from_model:
        raise ConfigError(
            "say what to score",
            field="--groundtruth, --model",
            found="both" if from_files else "neither",
            expected="--groundtruth with --detections, or --model with --manifest",
        )
    pairs = ("groundtruth", "detections") if from_files else ("model", "manifest")
    for name in pairs:
        if getattr(given, name) is None:
            raise ConfigError(
                "an option is missing", field=f"--{name}", expected=" with ".join(f"--{n}" for n in pairs)
            )
    if from_files:
        return score_files(
            groundtruth=given.groundtruth,
            detections=given.detections,
            output_dir=given.output,
            scorer=given.scorer,
            images=FolderImages(given.images) if given.images else NoImages(),
            title=given.title,
        )
    if given.batch_size < 1:
        raise ConfigError(
            "no images at once", field="--batch-size", found=given.batch_size, expected="1 or more"
        )
    return evaluate(
        model=given.model,
        manifest=given.manifest,
        pipeline_config=given.pipeline_config,
        output_dir=given.output,
        scorer=given.scorer,
        batch_size=given.batch_size,
        title=given.title,
    )


def _table(result: EvaluationResult) -> str:
    evaluation = result.evaluation
    lines = [f"{name:10} {format_number(evaluation.metrics[name], 4)}" for name in METRIC_NAMES]
    lines.append("")
    width = max(len(name) for name in evaluation.per_class) + 2
    lines.append(f"{'class':{width}}{'AP':>8}{'AP50':>8}{'objects':>9}")
    for name, entry in evaluation.per_class.items():
        numbers = "".join(f"{format_number(entry[metric]):>8}" for metric in ("AP", "AP50"))
        lines.append(f"{name:{width}}{numbers}{entry['boxes']:>9}")
    lines += [f"note: {note}" for note in evaluation.notes]
    lines += [f"not drawn: {problem}" for problem in result.not_drawn]
    lines.append(f"results: {result.folder}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
