"""Working checkpoints: written whole or not at all, by steps and by time; the newest good one is read.

The file ``checkpoint`` beside them is what makes a checkpoint one: it is replaced atomically, after the data
has reached the disk, and only what it lists is ever read. What a killed save leaves behind is not in it.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tensorflow as tf

from detection.errors import CheckpointError, UserError

PREFIX = "ckpt"
# TensorFlow turns some of its read errors into Python's own, such as IndexError.
_UNREADABLE = (tf.errors.OpError, AssertionError, ValueError, LookupError, TypeError, RuntimeError, OSError)


@dataclass
class SaveSchedule:
    """When a working checkpoint is due.

    Attributes:
        every_steps: After so many steps since the last save; 0: never by steps.
        every_seconds: After so many seconds since the last save; 0: never by time.
        clock: Gives seconds; another one in tests.
    """

    every_steps: int
    every_seconds: float
    clock: Callable[[], float] = time.monotonic
    _last_step: int = field(default=0, init=False)
    _last_time: float = field(default=0.0, init=False)

    def saved(self, step: int) -> None:
        """Tells that ``step`` is on disk (or is where the run starts)."""
        self._last_step = step
        self._last_time = self.clock()

    def due(self, step: int) -> bool:
        """Whether ``step`` should be saved now."""
        by_steps = self.every_steps > 0 and step - self._last_step >= self.every_steps
        by_time = self.every_seconds > 0 and self.clock() - self._last_time >= self.every_seconds
        return step > self._last_step and (by_steps or by_time)


class WorkingCheckpoints:
    """The checkpoints ``<folder>/ckpt-<step>`` of one run.

    Args:
        folder: Local folder; made when the first checkpoint is written.
        keep: How many are kept, at least 1; the one before the newest serves where the newest does not read.
        parts: What is saved, by the names of the OD API: ``step``, ``model``, ``optimizer``.
    """

    def __init__(self, folder: Path, keep: int, **parts: Any) -> None:
        self._folder = folder
        self._keep = max(keep, 1)
        self._checkpoint = tf.train.Checkpoint(**parts)
        self._checkpoint.save_counter  # noqa: B018  made now, so that every file holds it

    def steps(self) -> list[int]:
        """Steps of the complete checkpoints, oldest first."""
        return [_step_of(path) for path in self._listed()]

    def save(self, step: int) -> Path:
        """Writes ``ckpt-<step>``, then lets go of the oldest beyond ``keep``.

        Raises:
            UserError: The disk is full or may not be written; earlier checkpoints are untouched.
        """
        prefix = self._folder / f"{PREFIX}-{step}"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._checkpoint.save_counter.assign_add(1)
            self._checkpoint.write(str(prefix))
            _flush_to_disk(prefix)
            self._list_as_newest(prefix)
        except (tf.errors.OpError, OSError) as error:
            raise UserError(
                "a checkpoint could not be written",
                file=prefix,
                found=_one_line(error),
                mend="make room, or allow writing there, and run again: it goes on from the one before",
            ) from None
        return prefix

    def restore_latest(self, note: Callable[[str], None] = print) -> int | None:
        """Restores the newest checkpoint that reads completely.

        Args:
            note: Is told, one line each, which newer checkpoints did not read.

        Returns:
            Its step; None where the folder lists no checkpoint.

        Raises:
            CheckpointError: Checkpoints are listed and none of them reads.
        """
        listed = self._listed()
        found = []
        for prefix in reversed(listed):
            try:
                self._checkpoint.restore(str(prefix)).assert_consumed()
            except _UNREADABLE as error:
                found.append(f"{prefix.name}: {_one_line(error)}")
                note(f"the checkpoint {prefix} does not read and is passed over: {_one_line(error)}")
                continue
            return _step_of(prefix)
        if not listed:
            return None
        raise CheckpointError(
            "none of the working checkpoints reads",
            file=self._folder,
            found="; ".join(found),
            mend="remove that folder to start from the beginning",
        )

    def _listed(self) -> list[Path]:
        """Checkpoints in the state file whose index is there, oldest first."""
        try:
            state = tf.train.get_checkpoint_state(str(self._folder))
        except tf.errors.OpError:
            state = None
        names = [Path(path).name for path in state.all_model_checkpoint_paths] if state else []
        known = [name for name in names if re.fullmatch(rf"{PREFIX}-\d+", name)]
        return [self._folder / name for name in known if (self._folder / f"{name}.index").exists()]

    def _list_as_newest(self, prefix: Path) -> None:
        before = [path for path in self._listed() if _step_of(path) < _step_of(prefix)]
        kept = [*before, prefix][-self._keep :]
        # Names, not paths: the folder can be moved and still be read.
        tf.compat.v1.train.update_checkpoint_state(
            str(self._folder), prefix.name, [path.name for path in kept]
        )
        _flush_folder(self._folder)
        self._remove_all_but({path.name for path in kept})

    def _remove_all_but(self, kept: set[str]) -> None:
        """Removes older checkpoints and what killed saves left."""
        for path in self._folder.glob(f"{PREFIX}-*"):
            match = re.match(rf"({PREFIX}-\d+)(\.|_temp)", path.name)
            if match is None or match[1] in kept:
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _step_of(prefix: Path) -> int:
    return int(prefix.name.rsplit("-", 1)[1])


def _flush_to_disk(prefix: Path) -> None:
    for path in prefix.parent.glob(f"{prefix.name}.*"):
        with path.open("rb") as stream:
            os.fsync(stream.fileno())
    _flush_folder(prefix.parent)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _one_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
