"""``python -m components.export_model.rescore``: scores an exported bundle and measures its latency.

export_model starts it as a process of its own, so that the bundle is loaded as a stranger would load it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from components.coco_eval.step import evaluate
from components.export_model.latency import Latency, measure_latency, write_latency
from detection.errors import UserError
from detection.export.bundle import CONFIG_FILE
from detection.inference import detect_image, open_predictor
from storage import StorageError

_LATENCY_IMAGE_SIDE = 640


def rescore(bundle: Path, manifest: str, output_dir: Path) -> None:
    """Scores a bundle on the manifest's eval split.

    Args:
        bundle: Exported folder.
        manifest: Path or URI of the manifest.
        output_dir: Gets coco_eval's files and ``latency.json``.
    """
    evaluate(
        model=bundle,
        manifest=manifest,
        pipeline_config=bundle / CONFIG_FILE,
        output_dir=output_dir,
        draw=False,
        progress_step="export_model",
    )
    write_latency(output_dir, _latency(bundle))


def _latency(bundle: Path) -> Latency:
    predictor = open_predictor(bundle, bundle / CONFIG_FILE)
    # Noise, not an empty picture: suppression has as much to do as with the worst of images.
    image = np.random.default_rng(0).integers(0, 256, (_LATENCY_IMAGE_SIDE, _LATENCY_IMAGE_SIDE, 3), np.uint8)
    return measure_latency(lambda one: detect_image(predictor, one), image)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m components.export_model.rescore", description=__doc__)
    parser.add_argument("--bundle", type=Path, required=True, help="exported folder")
    parser.add_argument("--manifest", required=True, help="data_validation's manifest.json (path or URI)")
    parser.add_argument("--output", type=Path, required=True, help="folder for the results")
    given = parser.parse_args(arguments)
    try:
        rescore(given.bundle, given.manifest, given.output)
    except (UserError, StorageError) as error:
        print(f"rescore: {error}", file=sys.stderr)
        return int(error.exit_code)
    return 0


if __name__ == "__main__":
    sys.exit(main())
