"""``python -m detection.parity FOLDER ...``: exit code 1 where something differs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from detection.errors import UserError
from detection.parity.comparison import as_table
from detection.parity.run import compare_folder

_DESCRIPTION = """Compares the detector with tensors recorded from the TensorFlow Object Detection API.

Each FOLDER holds pipeline.config, golden.npz and the checkpoint ckpt/ckpt-0 (or ckpt.tar.xz).

  python -m detection.parity ../shared/golden/mobilenet
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m detection.parity",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folders", metavar="FOLDER", nargs="+", type=Path)
    differences = 0
    for folder in parser.parse_args(arguments).folders:
        try:
            comparisons = list(compare_folder(folder))
        except UserError as error:
            print(f"parity: {error}", file=sys.stderr)
            return error.exit_code
        failed = sum(not one.passed for one in comparisons)
        differences += failed
        print(f"{folder}\n{as_table(comparisons)}")
        print(f"{len(comparisons) - failed} of {len(comparisons)} equal within their tolerance\n")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
