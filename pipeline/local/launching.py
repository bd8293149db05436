"""Starting the worker of a local run, following it, and handing it the signals that this process gets."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from rich.console import Console

from components.progress import PROGRESS_FILE_VARIABLE
from components.run_record.record import load_record, write_record
from pipeline.local.display import open_display
from pipeline.local.run_folder import RunFolder
from pipeline.local.watching import RunWatcher, follow


def run_worker(folder: RunFolder, console: Console) -> int:
    """Runs the DAG of ``folder`` in a worker process and shows it until it ends.

    Returns:
        The worker's exit code: 0 when every step that ran succeeded.
    """
    started = time.time()
    folder.progress.unlink(missing_ok=True)
    with folder.lock() as lock, folder.log.open("ab") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "pipeline.local.worker", str(folder.path)],
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=_environment(folder),
            # A group of its own: a signal is handed on to the steps, not broadcast by the terminal.
            start_new_session=True,
            # The worker holds the run's lock too: should this process be killed, nobody starts the run twice.
            pass_fds=(lock,),
        )
        watcher = RunWatcher(folder, ignore_before=started)
        with _signals_to(worker, console), open_display(console) as display:
            follow(watcher, lambda wait: _goes_on(worker, wait), display.show)
    return worker.returncode


def ensure_record(folder: RunFolder, since: float) -> dict[str, Any]:
    """The run's record; written here when the worker was killed before its exit task could."""
    record = load_record(str(folder.path))
    file = folder.path / "run.json"
    if record is None or file.stat().st_mtime < since:
        arguments = folder.read_arguments() or {}
        record = write_record(str(folder.path), json.loads(arguments.get("run_parameters", "{}")), "FAILED")
    return record


def _environment(folder: RunFolder) -> dict[str, str]:
    environment = dict(os.environ)
    environment[PROGRESS_FILE_VARIABLE] = str(folder.progress)
    environment.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    environment["PYTHONUNBUFFERED"] = "1"
    return environment


def _goes_on(worker: subprocess.Popen[bytes], wait: float) -> bool:
    try:
        worker.wait(wait)
    except subprocess.TimeoutExpired:
        return True
    return False


@contextmanager
def _signals_to(worker: subprocess.Popen[bytes], console: Console) -> Iterator[None]:
    """Hands TERM and Ctrl-C to the worker's group: the first asks it to save and stop, the second ends it."""
    asked = 0

    def hand_on(signum: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked += 1
        strength = signal.SIGTERM if asked == 1 else signal.SIGKILL
        if asked == 1:
            console.print("\nStopping: the training saves a checkpoint first (once more to end it at once)")
        if worker.poll() is None:
            os.killpg(worker.pid, strength)

    before = {number: signal.signal(number, hand_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
