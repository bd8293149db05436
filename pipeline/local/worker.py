"""The process that runs the DAG on this machine through ``kfp.local``: ``python -m pipeline.local.worker RUN_DIR``.

It stands apart from the command that a person started, so that kfp's own log goes to a file and a live display
can be drawn beside it, and so that a signal reaches the steps before it reaches the orchestrator.
"""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from types import FrameType

from kfp import local

ARGUMENTS_NAME = "arguments.json"


def leave_to_the_steps(signum: int, frame: FrameType | None) -> None:
    """Does nothing: the signal went to the whole group, the step ends by it and the exit task still runs.

    A handler, not SIG_IGN: an ignored signal would be inherited by the steps.
    """


def main() -> int:
    """Runs the DAG with the arguments that stand in the run folder; 1 when a step failed."""
    run_dir = Path(sys.argv[1])
    signal.signal(signal.SIGTERM, leave_to_the_steps)
    signal.signal(signal.SIGINT, leave_to_the_steps)
    from pipeline.dag import street_detector_training

    local.init(
        runner=local.SubprocessRunner(use_venv=False),
        pipeline_root=str(run_dir / "artifacts"),
        raise_on_error=True,
    )
    arguments = json.loads((run_dir / ARGUMENTS_NAME).read_text(encoding="utf-8"))
    try:
        street_detector_training(**arguments)
    except RuntimeError as error:
        print(error, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
