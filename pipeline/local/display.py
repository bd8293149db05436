"""What a person sees while a run goes on: the steps and a bar at a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from pipeline.local.watching import StepState

TITLES = {
    "data_validation": "Validate the data",
    "config_generation": "Generate the config",
    "fine_tune": "Fine-tune",
    "coco_eval": "Evaluate (COCO)",
    "export_model": "Export and re-score",
    "quality_gate": "Quality gate",
    "model_push": "Publish",
}
UNITS = {"images_per_second": "images/s", "loss": "loss", "learning_rate": "rate"}
LINE_EVERY_SECONDS = 10.0


class Display(Protocol):
    """Shows the state of a run."""

    def show(self, steps: list[StepState]) -> None:
        """Shows the steps as they stand now."""


@contextmanager
def open_display(console: Console) -> Iterator[Display]:
    """The display that fits the console."""
    if not console.is_terminal:
        yield LineDisplay(console)
        return
    with Live(console=console, refresh_per_second=8) as live:
        yield LiveDisplay(live)


class LiveDisplay:
    """The steps as a list that redraws itself, with a bar for the one at work."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._spinner = Spinner("dots", style="cyan")

    def show(self, steps: list[StepState]) -> None:
        """Redraws the list."""
        by_name = {step.name: step for step in steps}
        table = Table.grid(padding=(0, 1))
        for _ in range(3):
            table.add_column()
        bar = None
        for name, title in TITLES.items():
            step = by_name.get(name)
            table.add_row(self._mark(step), Text(title, style="" if step else "dim"), Text(duration(step)))
            if step and step.state == "running" and step.progress:
                bar = self._bar(step)
        self._live.update(Group(table, bar) if bar else table)

    def _mark(self, step: StepState | None) -> Spinner | Text:
        if step is None:
            return Text("·", style="dim")
        if step.state == "running":
            return self._spinner
        return Text("✓", style="green") if step.state == "succeeded" else Text("✗", style="bold red")

    def _bar(self, step: StepState) -> Table:
        grid = Table.grid(padding=(0, 1))
        progress = step.progress
        bar = ProgressBar(total=progress["total"] or None, completed=progress["done"], width=36)
        grid.add_row(Text("  "), bar, Text(progress_text(step)))
        return grid


class LineDisplay:
    """One line when a step begins, one when it ends, and a line of progress now and then."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._states: dict[str, str] = {}
        self._last_line = 0.0
        self._last_text = ""

    def show(self, steps: list[StepState]) -> None:
        """Prints what is new."""
        for step in steps:
            if step.name not in TITLES:
                continue
            if self._states.get(step.name) != step.state:
                self._states[step.name] = step.state
                self._say(f"{TITLES[step.name]}: {step.state} {duration(step)}".rstrip())
            elif step.state == "running" and step.progress:
                self._progress(step)

    def _progress(self, step: StepState) -> None:
        text = f"  {progress_text(step)}"
        if time.monotonic() - self._last_line >= LINE_EVERY_SECONDS and text != self._last_text:
            self._last_text = text
            self._say(text)

    def _say(self, text: str) -> None:
        self._last_line = time.monotonic()
        self._console.print(text, highlight=False, soft_wrap=True)


def progress_text(step: StepState) -> str:
    """A step's progress in words, such as ``120/600 steps  loss 0.82  21 images/s  1:40 left``."""
    progress = step.progress
    total = f"/{progress['total']}" if progress["total"] else ""
    parts = [f"{progress['done']}{total} {progress['unit']}"]
    for name, value in progress["values"].items():
        parts.append(
            f"{value:.3g} images/s" if name == "images_per_second" else f"{UNITS.get(name, name)} {value:.3g}"
        )
    if progress["seconds_left"] is not None and progress["done"] < progress["total"]:
        parts.append(f"{clock(progress['seconds_left'])} left")
    return "  ".join(parts)


def duration(step: StepState | None) -> str:
    """How long a step took, or has been at work."""
    if step is None:
        return ""
    seconds = step.seconds
    if step.state == "running" and step.record:
        seconds = (datetime.now(UTC) - datetime.fromisoformat(step.record["started"])).total_seconds()
    return clock(seconds)


def clock(seconds: float) -> str:
    """Seconds as ``m:ss``, or ``h:mm:ss`` from an hour on."""
    whole = round(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"
