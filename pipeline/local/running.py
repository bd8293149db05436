"""``urbandet run``: the whole pipeline on this machine, into one folder."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from pipeline.local.launching import ensure_record, run_worker
from pipeline.local.run_folder import RunFolder, existing_run_folder, find_interrupted, new_run_folder
from pipeline.local.scenes import scenes_for
from pipeline.local.summary import exit_code, print_summary
from pipeline.run_file import Data, RunFile, pipeline_arguments


@dataclass(frozen=True)
class RunOutcome:
    """How a run ended.

    Attributes:
        folder: Where it is.
        record: Its ``run.json``.
        exit_code: What the command returns (DESIGN section 6).
    """

    folder: RunFolder
    record: dict[str, Any]
    exit_code: int


def run_pipeline(run: RunFile, runs_dir: Path, console: Console, *, fresh: bool = False) -> RunOutcome:
    """Runs a run file; goes on with an interrupted run of the same parameters unless ``fresh``."""
    data = _data(run, runs_dir, console)
    # Known before the folder is: what the run would be called by.
    wanted = pipeline_arguments(run, "", data)
    folder = None if fresh else find_interrupted(runs_dir, wanted)
    if folder is not None:
        console.print(f"Going on with the interrupted run {folder.run_id} (--fresh starts a new one)")
    else:
        folder = new_run_folder(runs_dir, run.name)
        folder.write_arguments({**wanted, "run_uri": str(folder.path)})
    return run_in_folder(folder, console)


def resume_pipeline(runs_dir: Path, run_id: str, console: Console) -> RunOutcome:
    """Goes on with the run ``run_id``, with the parameters it was started with."""
    return run_in_folder(existing_run_folder(runs_dir, run_id), console)


def run_in_folder(folder: RunFolder, console: Console) -> RunOutcome:
    """Runs the DAG in its folder, shows it, and prints the result."""
    console.print(f"Run {folder.run_id}  (folder {folder.path})", highlight=False, soft_wrap=True)
    started = time.time()
    worker_code = run_worker(folder, console)
    record = ensure_record(folder, started)
    print_summary(console, folder, record)
    console.print(f"took {time.time() - started:.0f} s", style="dim", highlight=False)
    code = exit_code(record)
    # The worker failed though no step said so: kfp itself did, and its log says why.
    if code == 0 and worker_code != 0:
        console.print(f"[bold red]The run failed outside its steps[/]; see {folder.log}")
        code = 1
    return RunOutcome(folder, record, code)


def _data(run: RunFile, runs_dir: Path, console: Console) -> Data:
    if run.data.scenes is None:
        return run.data
    return scenes_for(run.data, runs_dir, console)
