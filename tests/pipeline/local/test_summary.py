from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from pipeline.local.run_folder import RunFolder
from pipeline.local.summary import exit_code, print_summary


def record(state: str, **steps: dict[str, Any]) -> dict[str, Any]:
    filled = {
        name: {"step": name, "facts": {}, "artifacts": {}, "error": None, "state": "succeeded", **step}
        for name, step in steps.items()
    }
    return {
        "state": state,
        "run_uri": "runs/demo-1",
        "metrics": {"AP": 0.31234, "AP50": None},
        "per_class": {"a[b]": {"AP": 0.5, "AP50": 0.75, "boxes": 12}},
        "verdict": {
            "passed": state == "promoted",
            "reasons": [{"message": "AP50 0.61 is at least 0.5", "outcome": "pass"}],
        },
        "published": {"uri": "registry/street-detector/1"} if state == "promoted" else {},
        "steps": filled,
    }


FAILED = {"state": "failed", "error": {"message": "id 4 is above num_classes 3", "exit_code": 3}}


@pytest.mark.parametrize(
    ("what", "code"),
    [
        (record("promoted"), 0),
        (record("succeeded"), 0),
        (record("refused"), 4),
        (record("failed", data_validation=FAILED), 3),
        (record("failed", fine_tune={"state": "failed", "error": {"message": "defect"}}), 1),
        (record("interrupted", fine_tune={"state": "interrupted", "error": {"exit_code": 143}}), 143),
        (record("interrupted", fine_tune={"state": "died"}), 143),
        (record("failed"), 1),
    ],
)
def test_exit_codes(what: dict[str, Any], code: int) -> None:
    assert exit_code(what) == code


def printed(what: dict[str, Any]) -> str:
    stream = io.StringIO()
    print_summary(Console(file=stream, width=120), RunFolder(Path("runs/demo-1")), what)
    return stream.getvalue()


def test_the_end_says_numbers_verdict_and_places() -> None:
    text = printed(record("promoted"))
    expected = (
        "0.312",
        "n/a",
        "a[b]",
        "0.750",
        "promoted",
        "AP50 0.61",
        "registry/street-detector/1",
        "tensorboard",
    )
    assert all(part in text for part in expected)


def test_a_failure_says_the_steps_own_message_and_where_its_report_is() -> None:
    text = printed(record("failed", data_validation={**FAILED, "artifacts": {"report": "/x/report.html"}}))
    assert "id 4 is above num_classes 3" in text
    assert "/x/report.html" in text
    assert "log.txt" in text


def test_an_interruption_says_how_to_go_on() -> None:
    assert "Run the same command again" in printed(record("interrupted", fine_tune={"state": "died"}))
