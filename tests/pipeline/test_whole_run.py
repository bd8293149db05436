"""The command a person types, on a machine with nothing but Python: every step for real, through kfp.local."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

STEPS = 24
SCENES = {
    "seed": 3,
    "train_sequences": 5,
    "eval_sequences": 2,
    "frames_per_sequence": 2,
    "width": 320,
    "height": 320,
    "shards": 2,
}
RUN = {
    "name": "tiny",
    "data": {"scenes": SCENES},
    "model": {"base_config": "demo_mobilenet_v2_fpnlite_320x320"},
    "training": {
        "parameters": {"num_steps": STEPS, "batch_size": 2, "warmup_steps": 2},
        "checkpoint_every_steps": 4,
    },
    "gate": {"min_AP": 0.0},
}


def command(folder: Path, *arguments: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "pipeline",
        "run",
        "run.yaml",
        "--runs-dir",
        str(folder / "runs"),
        *arguments,
    ]


def environment(project_root: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(project_root), "COLUMNS": "200"}


def write_run_file(folder: Path, **changes: Any) -> None:
    content = {**RUN, "publish": {"registry": str(folder / "registry")}, **changes}
    (folder / "run.yaml").write_text(yaml.safe_dump(content))


def run(folder: Path, project_root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(folder, *arguments), cwd=folder, env=environment(project_root), capture_output=True, text=True
    )


def only_run(folder: Path) -> Path:
    (found,) = (file.parent for file in (folder / "runs").glob("*/arguments.json"))
    return found


def record_of(folder: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((only_run(folder) / "run.json").read_text())
    return record


def wait_for_training_step(folder: Path, step: int, process: subprocess.Popen[str]) -> int:
    """The training process's id, once it has done ``step`` steps."""
    for _ in range(1200):
        assert process.poll() is None, "the run ended before its training could be killed"
        for progress in (folder / "runs").glob("*/progress.jsonl"):
            lines = [json.loads(line) for line in progress.read_text().splitlines() if line.endswith("}")]
            if any(line["step"] == "fine_tune" and line["done"] >= step for line in lines):
                facts = json.loads((progress.parent / "steps" / "fine_tune.json").read_text())
                return int(facts["pid"])
        time.sleep(0.25)
    raise AssertionError("training did not begin within five minutes")


def test_an_id_above_num_classes_stops_before_any_training(tmp_path: Path, project_root: Path) -> None:
    write_run_file(tmp_path, model={**RUN["model"], "num_classes": 3})  # type: ignore[dict-item]
    done = run(tmp_path, project_root)
    assert done.returncode == 3, done.stdout + done.stderr
    said = " ".join(done.stdout.split())
    assert all(part in said for part in ("num_classes", "4 (cyclist)", "3", "num_classes: 4"))
    assert "Traceback" not in done.stdout + done.stderr
    record = record_of(tmp_path)
    assert list(record["steps"]) == ["data_validation"]
    report = Path(record["steps"]["data_validation"]["artifacts"]["report"])
    assert str(report) in done.stdout.replace("\n", "")
    assert "cyclist" in report.read_text()


@pytest.mark.slow
def test_a_run_ends_with_a_published_model_and_says_where_it_is(tmp_path: Path, project_root: Path) -> None:
    write_run_file(tmp_path)
    done = run(tmp_path, project_root)
    record = record_of(tmp_path)
    # A model that learned for seconds detects nothing, so the gate may refuse it; it must say so, and why.
    assert done.returncode == {"promoted": 0, "refused": 4}[record["state"]], done.stdout + done.stderr
    assert all(step["state"] == "succeeded" for step in record["steps"].values())
    assert record["steps"]["fine_tune"]["facts"]["steps"] == STEPS
    assert record["verdict"]["reasons"]
    assert all(
        word in done.stdout for word in ("AP50", "vehicle", "images/s", "verdict", "TensorBoard", "report")
    )
    assert (only_run(tmp_path) / "reports" / "evaluation.html").is_file()
    assert (tmp_path / "registry").exists() == (record["state"] == "promoted")


@pytest.fixture(params=[signal.SIGTERM, signal.SIGKILL], ids=["TERM", "KILL"])
def killed_run(request: pytest.FixtureRequest, tmp_path: Path, project_root: Path) -> Iterator[Path]:
    write_run_file(tmp_path)
    process = subprocess.Popen(
        command(tmp_path),
        cwd=tmp_path,
        env=environment(project_root),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    os.kill(wait_for_training_step(tmp_path, 9, process), request.param)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 143, output
    assert "goes on from its last checkpoint" in output
    yield tmp_path


@pytest.mark.slow
def test_a_killed_training_goes_on_and_ends_with_the_same_steps(killed_run: Path, project_root: Path) -> None:
    assert record_of(killed_run)["state"] == "interrupted"
    done = run(killed_run, project_root)
    assert "Going on with the interrupted run" in done.stdout, done.stdout + done.stderr
    training = record_of(killed_run)["steps"]["fine_tune"]
    assert training["state"] == "succeeded"
    assert training["facts"]["steps"] == STEPS
    assert training["facts"]["resumed_from"] >= 8
    history = [json.loads(line)["step"] for line in (only_run(killed_run) / "history.jsonl").open()]
    assert history == sorted(set(history))
