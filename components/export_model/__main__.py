"""``python -m components.export_model``: exports a checkpoint and proves that the export scores the same."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from components.export_model.step import DEFAULT_TOLERANCE, export_model
from components.step import run_step

_EXAMPLE = """example:
  python -m components.export_model --pipeline-config pipeline.config --checkpoint ckpt-0 \\
      --evaluation out/evaluation --manifest manifest.json --output exported
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m components.export_model",
        description="Exports a SavedModel, scores it in a fresh process and measures its latency.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--pipeline-config", type=Path, required=True, help="the model's config")
    parser.add_argument("--checkpoint", required=True, help="prefix, folder or archive")
    parser.add_argument(
        "--evaluation", type=Path, required=True, help="coco_eval's folder for this checkpoint"
    )
    parser.add_argument("--manifest", required=True, help="data_validation's manifest.json (path or URI)")
    parser.add_argument("--output", type=Path, required=True, help="folder for the bundle, new or empty")
    parser.add_argument("--input-type", default="image_tensor", help="default: image_tensor")
    parser.add_argument(
        "--tolerance", type=float, default=DEFAULT_TOLERANCE, help=f"default: {DEFAULT_TOLERANCE}"
    )
    given = parser.parse_args(arguments)
    with run_step("export_model", ""):
        result = export_model(
            pipeline_config=given.pipeline_config,
            checkpoint=given.checkpoint,
            evaluation=given.evaluation,
            manifest=given.manifest,
            output_dir=given.output,
            input_type=given.input_type,
            tolerance=given.tolerance,
        )
    print(json.dumps(result.as_json(), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
