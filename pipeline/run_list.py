"""The runs of a folder, a line each, from their records."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from components.run_record.record import load_record, read_steps
from pipeline.local.run_folder import RunFolder, run_folders


@dataclass(frozen=True)
class RunLine:
    """One run in short; None where it has no such number (yet).

    Attributes:
        run: The run's id.
        state: ``running``, ``promoted``, ``refused``, ``failed``, ``interrupted`` or ``succeeded``.
        started: Date and time (UTC) of its first step.
        AP: COCO AP over IoU 0.50 to 0.95, in [0, 1].
        AP50: COCO AP at IoU 0.50, in [0, 1].
        steps: Training steps done.
        seconds: Time of all its steps together.
    """

    run: str
    state: str
    started: str
    AP: float | None
    AP50: float | None
    steps: int | None
    seconds: float | None


def list_runs(runs_dir: Path) -> list[RunLine]:
    """Every run of ``runs_dir``, the oldest first."""
    return [run_line(folder) for folder in run_folders(runs_dir)]


def run_line(folder: RunFolder) -> RunLine:
    """One run in short; one that is going on or was killed has no record, only its steps' facts."""
    record = load_record(str(folder.path))
    alive = folder.is_alive()
    if record is None or alive:
        steps = read_steps(str(folder.path))
        started = min((step["started"] for step in steps.values()), default="")
        return RunLine(
            run=folder.run_id,
            state="running" if alive else "interrupted",
            started=_short(started),
            AP=None,
            AP50=None,
            steps=None,
            seconds=None,
        )
    training = record["steps"].get("fine_tune", {}).get("facts", {})
    return RunLine(
        run=folder.run_id,
        state=record["state"],
        started=_short(record["started"] or ""),
        AP=record["metrics"].get("AP"),
        AP50=record["metrics"].get("AP50"),
        steps=training.get("steps"),
        seconds=record["seconds"],
    )


def _short(moment: str) -> str:
    return moment[:16].replace("T", " ")
