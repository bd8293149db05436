"""The folder of a local run: its name, its lock, its arguments, and finding one that was interrupted."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from components.run_record.record import load_record
from detection.errors import ConfigError
from pipeline.local.worker import ARGUMENTS_NAME

LOCK_NAME = ".lock"
LOG_NAME = "log.txt"
PROGRESS_NAME = "progress.jsonl"


@dataclass(frozen=True)
class RunFolder:
    """Paths of one run."""

    path: Path

    @property
    def run_id(self) -> str:
        """The run's name, unique among the runs of this machine."""
        return self.path.name

    @property
    def log(self) -> Path:
        """Everything that kfp and the steps printed."""
        return self.path / LOG_NAME

    @property
    def progress(self) -> Path:
        """The steps' progress, one JSON line each (``components.progress``)."""
        return self.path / PROGRESS_NAME

    def write_arguments(self, arguments: dict[str, Any]) -> None:
        """Keeps the DAG's arguments for the worker, and for finding the run again."""
        text = json.dumps(arguments, indent=2, sort_keys=True)
        temporary = self.path / f".{ARGUMENTS_NAME}"
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(self.path / ARGUMENTS_NAME)

    def read_arguments(self) -> dict[str, Any] | None:
        """The DAG's arguments; None where the folder holds no run."""
        file = self.path / ARGUMENTS_NAME
        if not file.is_file():
            return None
        arguments: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return arguments

    @contextmanager
    def lock(self) -> Iterator[int]:
        """Holds the run for this process; the descriptor may be handed to a child, which then holds it too.

        Raises:
            ConfigError: Another process holds it.
        """
        descriptor = os.open(self.path / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ConfigError(
                    "This run is still going on in another process",
                    file=self.path,
                    mend="wait for it, or stop it first",
                ) from None
            yield descriptor
        finally:
            os.close(descriptor)

    def is_alive(self) -> bool:
        """Whether a process holds the run."""
        try:
            with self.lock():
                return False
        except ConfigError:
            return True


def new_run_folder(runs_dir: Path, name: str) -> RunFolder:
    """Makes the folder of a new run, ``<name>-<date>-<time>`` with a number behind it where that is taken."""
    runs_dir.mkdir(parents=True, exist_ok=True)
    base = f"{name}-{datetime.now():%Y%m%d-%H%M%S}"
    for attempt in range(1, 1000):
        path = runs_dir / (base if attempt == 1 else f"{base}-{attempt}")
        try:
            path.mkdir()
        except FileExistsError:
            continue
        return RunFolder(path)
    raise ConfigError("No free name for the run", file=runs_dir, found=base)


def existing_run_folder(runs_dir: Path, run_id: str) -> RunFolder:
    """The folder of a run by its name.

    Raises:
        ConfigError: There is no such run; names the ones there are.
    """
    folder = RunFolder(runs_dir / run_id)
    if folder.read_arguments() is None:
        known = ", ".join(run.run_id for run in run_folders(runs_dir)[-5:]) or "none yet"
        raise ConfigError("There is no such run", file=folder.path, expected=f"one of the runs here: {known}")
    return folder


def run_folders(runs_dir: Path) -> list[RunFolder]:
    """Every run of a folder, the oldest first."""
    files = sorted(runs_dir.glob(f"*/{ARGUMENTS_NAME}"), key=lambda file: file.parent.stat().st_mtime_ns)
    return [RunFolder(file.parent) for file in files]


def find_interrupted(runs_dir: Path, arguments: dict[str, Any]) -> RunFolder | None:
    """The newest run with these very arguments that was cut off and that no process holds."""
    wanted = {key: value for key, value in arguments.items() if key != "run_uri"}
    for folder in reversed(run_folders(runs_dir)):
        found = folder.read_arguments() or {}
        if {key: value for key, value in found.items() if key != "run_uri"} != wanted:
            continue
        record = load_record(str(folder.path))
        if record is not None and record["state"] != "interrupted":
            return None
        return None if folder.is_alive() else folder
    return None
