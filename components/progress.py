"""Progress of a step: a live channel for a person at a terminal, log lines elsewhere.

``kfp.local`` passes a step's output on line by line, so a live bar needs a channel of its own: where the
environment variable ``URBANDET_PROGRESS_FILE`` names a file, each report is appended to it as one JSON line
and the local runner draws it. Without it (a cluster, a step run by hand) the same facts are log lines, at most
one every ``LOG_EVERY_SECONDS``.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

PROGRESS_FILE_VARIABLE = "URBANDET_PROGRESS_FILE"
LOG_EVERY_SECONDS = 10.0


class Progress:
    """Reports how far one step is.

    Args:
        step: Name of the pipeline step, such as ``fine_tune``.
        total: Number of units of work in all; 0 where it is not known.
        unit: What is counted, such as ``steps`` or ``images``.
    """

    def __init__(self, step: str, total: int, unit: str) -> None:
        self._step = step
        self._total = total
        self._unit = unit
        self._started = time.monotonic()
        self._first_done: int | None = None
        self._last_log = 0.0
        path = os.environ.get(PROGRESS_FILE_VARIABLE, "")
        self._file = Path(path) if path else None

    def report(self, done: int, **values: float) -> None:
        """Reports ``done`` units of work, with named figures such as ``loss`` or ``images_per_second``."""
        if self._first_done is None:
            self._first_done = done
        if self._file is not None:
            self._append(done, values)
        else:
            self._log(done, values)

    def _append(self, done: int, values: dict[str, float]) -> None:
        assert self._file is not None
        line = json.dumps(
            {
                "step": self._step,
                "done": done,
                "total": self._total,
                "unit": self._unit,
                "seconds_left": self.seconds_left(done),
                "values": values,
            }
        )
        # One short write to a file opened for appending: lines of two processes do not mix.
        with self._file.open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")

    def _log(self, done: int, values: dict[str, float]) -> None:
        now = time.monotonic()
        if done < self._total and now - self._last_log < LOG_EVERY_SECONDS:
            return
        self._last_log = now
        figures = "  ".join(f"{name} {value:.4g}" for name, value in values.items())
        of_total = f"/{self._total}" if self._total else ""
        left = self.seconds_left(done)
        eta = f"  {left:.0f} s left" if left is not None else ""
        print(f"{self._step}: {done}{of_total} {self._unit}  {figures}{eta}", flush=True)

    def seconds_left(self, done: int) -> float | None:
        """Estimated seconds to the end at the mean speed so far; None while nothing can be said."""
        progressed = done - (self._first_done or 0)
        if not self._total or progressed <= 0:
            return None
        elapsed = time.monotonic() - self._started
        return elapsed / progressed * (self._total - done)
