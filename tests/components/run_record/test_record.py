from __future__ import annotations

import json
from pathlib import Path

import pytest

from components.run_record.record import load_record, run_state, write_record
from components.step import run_step
from detection.errors import DataError, Interrupted


def states(**steps: str) -> dict:
    return {name: {"state": state, "facts": {}} for name, state in steps.items()}


@pytest.mark.parametrize(
    ("steps", "pipeline_state", "expected"),
    [
        ({}, "SUCCEEDED", "succeeded"),
        (states(data_validation="failed"), "FAILED", "failed"),
        (states(fine_tune="interrupted"), "FAILED", "interrupted"),
        (states(fine_tune="died"), "FAILED", "interrupted"),
        (states(coco_eval="succeeded"), "FAILED", "failed"),
        (states(quality_gate="succeeded"), "SUCCEEDED", "refused"),
        (states(quality_gate="succeeded", model_push="succeeded"), "SUCCEEDED", "promoted"),
        (states(quality_gate="succeeded", model_push="failed"), "FAILED", "failed"),
    ],
)
def test_how_a_run_ended(steps: dict, pipeline_state: str, expected: str) -> None:
    assert run_state(steps, pipeline_state) == expected


def test_steps_facts_and_errors_reach_the_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with run_step("coco_eval", str(tmp_path)) as facts:
        facts.facts["metrics"] = {"AP50": 0.6}
    with pytest.raises(SystemExit) as end, run_step("quality_gate", str(tmp_path)) as facts:
        facts.artifacts["report"] = "report.html"
        raise DataError("bad id", field="num_classes", found=3, expected=4, mend="set 4")
    assert end.value.code == 3
    assert "bad id" in capsys.readouterr().err
    write_record(str(tmp_path), {"name": "demo"}, "FAILED")
    record = load_record(str(tmp_path))
    assert record is not None
    assert record["state"] == "failed"
    assert record["metrics"] == {"AP50": 0.6}
    assert record["steps"]["quality_gate"]["error"]["mend"] == "set 4"
    assert record["steps"]["quality_gate"]["artifacts"] == {"report": "report.html"}


def test_a_step_that_died_without_a_word_is_called_so(tmp_path: Path) -> None:
    steps = tmp_path / "steps"
    steps.mkdir()
    facts = {
        "step": "fine_tune",
        "state": "running",
        "started": "2026-01-01T00:00:00",
        "seconds": 3.0,
        "facts": {},
    }
    (steps / "fine_tune.json").write_text(json.dumps(facts))
    record = write_record(str(tmp_path), {}, "FAILED")
    assert record["state"] == "interrupted"
    assert "killed" in record["steps"]["fine_tune"]["error"]["message"]


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (Interrupted("TERM"), "interrupted"),
        (DataError("bad"), "failed"),
        (ZeroDivisionError("ours"), "failed"),
    ],
)
def test_every_way_to_end_is_kept(tmp_path: Path, error: Exception, state: str) -> None:
    with pytest.raises((SystemExit, ZeroDivisionError)), run_step("fine_tune", str(tmp_path)):
        raise error
    facts = json.loads((tmp_path / "steps" / "fine_tune.json").read_text())
    assert facts["state"] == state
    assert str(error) in facts["error"]["message"]
