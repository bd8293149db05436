from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from pipeline.local.display import clock, open_display, progress_text
from pipeline.local.watching import StepState


def step(state: str, done: int = 0) -> StepState:
    progress = {
        "step": "fine_tune",
        "done": done,
        "total": 600,
        "unit": "steps",
        "seconds_left": 61.0,
        "values": {"loss": 0.8234, "images_per_second": 21.26},
    }
    return StepState(
        "fine_tune", state, 12.0, progress if done else {}, {"started": "2026-01-01T00:00:00+00:00"}
    )


def test_progress_says_loss_speed_and_time_left() -> None:
    assert progress_text(step("running", 120)) == "120/600 steps  loss 0.823  21.3 images/s  1:01 left"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (3599, "59:59"), (3661, "1:01:01")]
)
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


@given(st.integers(0, 10**6))
def test_clock_can_be_read_back(seconds: int) -> None:
    parts = [int(part) for part in clock(seconds).split(":")]
    total = 0
    for part in parts:
        total = total * 60 + part
    assert total == seconds


@pytest.mark.parametrize("terminal", [True, False])
def test_both_displays_show_how_each_step_ended(terminal: bool) -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=terminal, width=100)
    with open_display(console) as display:
        display.show([step("running", 1)])
        display.show([step("failed", 2)])
    text = stream.getvalue()
    assert "Fine-tune" in text
    assert ("✗" if terminal else "failed") in text


def test_the_line_display_does_not_repeat_itself() -> None:
    stream = io.StringIO()
    with open_display(Console(file=stream, force_terminal=False, width=100)) as display:
        for _ in range(50):
            display.show([step("running", 3)])
    assert len(stream.getvalue().splitlines()) == 1
