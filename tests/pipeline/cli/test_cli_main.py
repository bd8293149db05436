from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from pipeline.cli.main import cli

COMMANDS = ["run", "compile", "data", "runs", "doctor"]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches_with_an_example(command: str) -> None:
    result = CliRunner().invoke(cli, [command, "--help"])
    assert result.exit_code == 0
    assert f"urbandet {command}" in result.output


def test_only_what_works_is_listed() -> None:
    assert sorted(cli.commands) == sorted(COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["run", "nothing-of-that-name"], 2, "There is no such run file"),
        (["run", "demo", "--set", "training.sed=1"], 2, "training.sed"),
        (["run", "--resume", "no-such-run"], 2, "There is no such run"),
        (["unheard-of"], 2, "No such command"),
    ],
)
def test_a_users_mistake_is_a_message_and_not_a_traceback(
    arguments: list[str], code: int, said: str, tmp_path: Path, project_root: Path
) -> None:
    command = [sys.executable, "-m", "pipeline", *arguments]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, env=environment(project_root)
    )
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def environment(project_root: Path) -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(project_root)}


def test_runs_lists_what_ran_and_what_was_cut_off(tmp_path: Path) -> None:
    finished, cut_off = tmp_path / "demo-1", tmp_path / "demo-2"
    for folder in (finished, cut_off):
        (folder / "steps").mkdir(parents=True)
        (folder / "arguments.json").write_text("{}")
    record = {
        "state": "promoted",
        "started": "2026-01-01T10:00:00+00:00",
        "metrics": {"AP50": 0.625},
        "seconds": 61.0,
    }
    (finished / "run.json").write_text(
        json.dumps({**record, "steps": {"fine_tune": {"facts": {"steps": 600}}}})
    )
    result = CliRunner().invoke(cli, ["runs", "--runs-dir", str(tmp_path), "--json"])
    lines = {line["run"]: line for line in json.loads(result.output)}
    assert lines["demo-1"]["state"] == "promoted"
    assert (lines["demo-1"]["AP50"], lines["demo-1"]["steps"]) == (0.625, 600)
    assert lines["demo-2"]["state"] == "interrupted"
    table = CliRunner().invoke(cli, ["runs", "--runs-dir", str(tmp_path)]).output
    assert "0.625" in table
    assert "n/a" in table


def test_no_runs_says_how_to_start_one(tmp_path: Path) -> None:
    assert "urbandet run" in CliRunner().invoke(cli, ["runs", "--runs-dir", str(tmp_path)]).output
