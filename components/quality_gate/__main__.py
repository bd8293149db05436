"""``python -m components.quality_gate``: the gate by hand. Exit code 0 passed, 4 refused."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from components.quality_gate.step import run_gate
from components.step import run_step
from detection.errors import EXIT_GATE_REFUSED

EXAMPLE = """example:
  python -m components.quality_gate --evaluation runs/x/evaluation --exported runs/x/exported \\
      --registry registry --model-name street --policy '{"min_AP50": 0.5}' --output out
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    given = _parser().parse_args(arguments)
    with run_step("quality_gate", ""):
        decision = run_gate(
            evaluation=given.evaluation,
            exported=given.exported,
            registry_uri=given.registry,
            model_name=given.model_name,
            policy=given.policy,
            verdict=given.output / "verdict.json",
            explanation=given.output / "explanation.md",
        )
    for reason in decision.reasons:
        print(f"{reason.outcome:6} {reason.message}")
    suffix = " (by override)" if decision.overridden else ""
    print(f"{'passed' if decision.passed else 'refused'}{suffix}: {given.output / 'explanation.md'}")
    return 0 if decision.passed else EXIT_GATE_REFUSED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m components.quality_gate",
        description="Decides whether a model may become the champion, with reasons.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--evaluation", type=Path, required=True, help="coco_eval's folder")
    parser.add_argument("--exported", type=Path, required=True, help="export_model's bundle")
    parser.add_argument("--registry", required=True, help="path or URI of the registry")
    parser.add_argument("--model-name", required=True, help="the model in the registry")
    parser.add_argument("--policy", default="", help="JSON: min_<metric>, min_class_<metric>, metric, ...")
    parser.add_argument("--output", type=Path, required=True, help="folder for verdict and explanation")
    return parser


if __name__ == "__main__":
    sys.exit(main())
