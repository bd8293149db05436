"""What a local run is doing, read from the files that its steps write: their facts and their progress."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.local.run_folder import RunFolder


@dataclass
class StepState:
    """One step as it stands now.

    Attributes:
        state: ``running``, ``succeeded``, ``failed`` or ``interrupted``.
        seconds: Duration so far.
        progress: The newest progress report, as ``components.progress`` writes it.
        record: The step's whole facts file.
    """

    name: str
    state: str
    seconds: float
    progress: dict[str, Any] = field(default_factory=dict)
    record: dict[str, Any] = field(default_factory=dict)


class RunWatcher:
    """Reads a run's files, each only as far as it is new."""

    def __init__(self, folder: RunFolder, ignore_before: float = 0.0) -> None:
        self._folder = folder
        self._ignore_before = ignore_before
        self._progress_position = 0
        self._progress: dict[str, dict[str, Any]] = {}
        self._seen: dict[Path, tuple[int, dict[str, Any]]] = {}

    def steps(self) -> list[StepState]:
        """Every step that has begun in this attempt, in the order in which they began."""
        self._read_progress()
        records = [
            record for file in (self._folder.path / "steps").glob("*.json") if (record := self._read(file))
        ]
        records.sort(key=lambda record: record["started"])
        return [
            StepState(
                name=record["step"],
                state=record["state"],
                seconds=record["seconds"],
                progress=self._progress.get(record["step"], {}),
                record=record,
            )
            for record in records
        ]

    def _read(self, file: Path) -> dict[str, Any] | None:
        stamp = file.stat().st_mtime_ns
        if stamp / 1e9 < self._ignore_before:
            # Left by the attempt before the interruption; this attempt has not come to that step yet.
            return None
        known = self._seen.get(file)
        if known is None or known[0] != stamp:
            known = (stamp, json.loads(file.read_text(encoding="utf-8")))
            self._seen[file] = known
        return known[1]

    def _read_progress(self) -> None:
        if not self._folder.progress.exists():
            return
        with self._folder.progress.open("rb") as stream:
            stream.seek(self._progress_position)
            for line in stream:
                if not line.endswith(b"\n"):
                    break
                self._progress_position += len(line)
                report = json.loads(line)
                self._progress[report["step"]] = report


def follow(
    watcher: RunWatcher, alive: Callable[[float], bool], show: Callable[[list[StepState]], None]
) -> None:
    """Shows the run's state a few times a second while ``alive(seconds_to_wait)`` says that it goes on."""
    while alive(0.25):
        show(watcher.steps())
    show(watcher.steps())
