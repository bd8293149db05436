from __future__ import annotations

import json
import os
from pathlib import Path

from pipeline.local.run_folder import RunFolder
from pipeline.local.watching import RunWatcher


def write_facts(folder: Path, step: str, state: str, started: str) -> Path:
    file = folder / "steps" / f"{step}.json"
    file.parent.mkdir(exist_ok=True)
    facts = {"step": step, "state": state, "started": started, "seconds": 1.0}
    file.write_text(json.dumps(facts))
    return file


def test_steps_come_in_the_order_in_which_they_began(tmp_path: Path) -> None:
    write_facts(tmp_path, "fine_tune", "running", "2026-01-01T00:00:02")
    write_facts(tmp_path, "data_validation", "succeeded", "2026-01-01T00:00:01")
    assert [step.name for step in RunWatcher(RunFolder(tmp_path)).steps()] == ["data_validation", "fine_tune"]


def test_what_an_earlier_attempt_left_is_not_shown(tmp_path: Path) -> None:
    file = write_facts(tmp_path, "fine_tune", "interrupted", "2026-01-01T00:00:02")
    os.utime(file, (1000, 1000))
    assert RunWatcher(RunFolder(tmp_path), ignore_before=2000).steps() == []


def test_half_a_line_of_progress_waits_for_its_end(tmp_path: Path) -> None:
    write_facts(tmp_path, "fine_tune", "running", "2026-01-01T00:00:02")
    folder = RunFolder(tmp_path)
    watcher = RunWatcher(folder)
    lines = [json.dumps({"step": "fine_tune", "done": done}) + "\n" for done in (1, 2)]
    folder.progress.write_text(lines[0] + lines[1][:10])
    assert watcher.steps()[0].progress["done"] == 1
    with folder.progress.open("a") as stream:
        stream.write(lines[1][10:])
    assert watcher.steps()[0].progress["done"] == 2
