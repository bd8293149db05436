"""``history.jsonl``: one line per step, plain enough for curves, comparisons and scripts.

A line holds ``step`` (after the update), the losses under their TensorBoard tags, ``learning_rate`` (of that
update) and ``images_per_second``.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

FILE_NAME = "history.jsonl"


def read_history(path: Path) -> list[dict[str, Any]]:
    """The complete lines of a history, in order of steps; [] where there is no file.

    A line that a kill cut off ends the history.
    """
    if not path.exists():
        return []
    entries: list[dict[str, Any]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            entry = json.loads(line)
            entry["step"] = int(entry["step"])
        except (ValueError, KeyError, TypeError):
            break
        entries.append(entry)
    return entries


class History:
    """Appends to ``<work_dir>/history.jsonl``.

    Args:
        work_dir: Folder of the run; exists.
        restored_step: Lines after this step are of work that was lost, and are cut off.
    """

    def __init__(self, work_dir: Path, restored_step: int) -> None:
        path = work_dir / FILE_NAME
        kept = [entry for entry in read_history(path) if entry["step"] <= restored_step]
        temporary = path.with_suffix(".tmp")
        temporary.write_text("".join(_line(entry) for entry in kept), encoding="utf-8")
        temporary.replace(path)
        self.last: dict[str, Any] = kept[-1] if kept else {}
        self._stream = path.open("a", encoding="utf-8")

    def add(self, step: int, values: dict[str, float]) -> None:
        """Appends the line of ``step``; it reaches the file at the next ``flush`` at the latest."""
        self.last = {"step": step, **{name: float(f"{value:.7g}") for name, value in values.items()}}
        self._stream.write(_line(self.last))

    def flush(self) -> None:
        """Puts all lines on disk: called before a checkpoint, so a resumed history has no gap."""
        self._stream.flush()
        os.fsync(self._stream.fileno())

    def close(self) -> None:
        """Flushes and closes."""
        if not self._stream.closed:
            self.flush()
            self._stream.close()


def _line(entry: dict[str, Any]) -> str:
    return json.dumps(entry) + "\n"
