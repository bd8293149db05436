from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from detection.errors import ConfigError
from pipeline.local.run_folder import existing_run_folder, find_interrupted, new_run_folder

ARGUMENTS = {"run_uri": "x", "seed": 1}


def begun(runs_dir: Path, state: str | None, seed: int = 1):
    folder = new_run_folder(runs_dir, "demo")
    folder.write_arguments({"run_uri": str(folder.path), "seed": seed})
    if state is not None:
        (folder.path / "run.json").write_text(json.dumps({"state": state}))
    return folder


def test_two_runs_of_the_same_second_get_two_folders(tmp_path: Path) -> None:
    assert len({new_run_folder(tmp_path, "demo").path for _ in range(5)}) == 5


@pytest.mark.parametrize(
    ("state", "goes_on"),
    [(None, True), ("interrupted", True), ("failed", False), ("promoted", False), ("refused", False)],
)
def test_only_a_run_that_was_cut_off_is_gone_on_with(
    tmp_path: Path, state: str | None, goes_on: bool
) -> None:
    folder = begun(tmp_path, state)
    found = find_interrupted(tmp_path, ARGUMENTS)
    assert (found == folder) if goes_on else (found is None)


def test_a_run_of_other_parameters_is_not_gone_on_with(tmp_path: Path) -> None:
    begun(tmp_path, "interrupted", seed=2)
    assert find_interrupted(tmp_path, ARGUMENTS) is None


def test_a_run_that_another_process_holds_is_not_gone_on_with(tmp_path: Path) -> None:
    folder = begun(tmp_path, None)
    with folder.lock():
        assert folder.is_alive()
        assert find_interrupted(tmp_path, ARGUMENTS) is None
    assert not folder.is_alive()


def test_the_lock_is_free_again_when_its_holder_is_killed(tmp_path: Path) -> None:
    folder = begun(tmp_path, None)
    code = f"""
import sys, time
from pathlib import Path
from pipeline.local.run_folder import RunFolder
with RunFolder(Path({str(folder.path)!r})).lock():
    print("held", flush=True)
    time.sleep(60)
"""
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    assert folder.is_alive()
    holder.kill()
    holder.wait()
    assert not folder.is_alive()


def test_an_unknown_run_names_the_known_ones(tmp_path: Path) -> None:
    folder = begun(tmp_path, "failed")
    with pytest.raises(ConfigError, match=folder.run_id):
        existing_run_folder(tmp_path, "other")
