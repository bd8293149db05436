"""What every step does around its work: keep its facts, and turn a user's mistake into one clear message.

A step's facts are one JSON file, ``<run_uri>/steps/<step>.json``. It is written whatever happens, so the run
record, ``urbandet runs`` and the local runner know what a step did, and why it failed, on any backend.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from detection.errors import UserError
from storage import StorageError, join, write_bytes


@dataclass
class StepFacts:
    """What a step tells about itself.

    Attributes:
        facts: Flat or nested JSON values: metrics, digests, counts, speeds.
        artifacts: Name to URI (or local path) of what the step made for people and for later steps.
        run_uri: The run's folder; '' where there is none.
    """

    facts: dict[str, Any] = field(default_factory=dict)
    artifacts: dict[str, str] = field(default_factory=dict)
    run_uri: str = ""

    def keep_report(self, name: str, file: Path, kept_as: str) -> None:
        """Keeps a copy of a report in ``<run_uri>/reports/<kept_as>`` and names it in ``artifacts``.

        kfp's artifact paths have no file name extension, so a browser would show a page's source. A report that
        was not written, since something failed before, is not there to keep.
        """
        if not file.is_file():
            return
        if not self.run_uri:
            self.artifacts[name] = str(file)
            return
        place = join(self.run_uri, "reports", kept_as)
        write_bytes(place, file.read_bytes())
        self.artifacts[name] = place


def steps_uri(run_uri: str, step: str) -> str:
    """Where the facts of ``step`` stand within the run."""
    return join(run_uri, "steps", f"{step}.json")


@contextmanager
def run_step(step: str, run_uri: str) -> Iterator[StepFacts]:
    """Runs the body as step ``step`` of the run at ``run_uri`` ('' keeps no facts).

    A ``UserError`` or ``StorageError`` ends the process with its message and its exit code, without a traceback.
    Any other error is a defect of ours: its facts are kept too, and it goes on with its traceback.
    """
    facts = StepFacts(run_uri=run_uri)
    started = datetime.now(UTC)
    _write(step, run_uri, facts, started, "running", None)
    try:
        yield facts
    except (UserError, StorageError) as error:
        state = "interrupted" if error.exit_code == 143 else "failed"
        details = {"message": str(error), "exit_code": error.exit_code, **error.details}
        _write(step, run_uri, facts, started, state, details)
        print(f"{step} failed: {error}", file=sys.stderr, flush=True)
        raise SystemExit(error.exit_code) from None
    except BaseException as error:
        details = {"message": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}
        _write(step, run_uri, facts, started, "failed", details)
        raise
    _write(step, run_uri, facts, started, "succeeded", None)


def _write(
    step: str,
    run_uri: str,
    facts: StepFacts,
    started: datetime,
    state: str,
    error: dict[str, Any] | None,
) -> None:
    if not run_uri:
        return
    now = datetime.now(UTC)
    record = {
        "step": step,
        "state": state,
        "pid": os.getpid(),
        "started": started.isoformat(),
        "finished": None if state == "running" else now.isoformat(),
        "seconds": round((now - started).total_seconds(), 3),
        "facts": facts.facts,
        "artifacts": facts.artifacts,
        "error": error,
    }
    text = json.dumps(record, indent=2, sort_keys=True, default=str)
    write_bytes(steps_uri(run_uri, step), text.encode())
