"""A whole folder that appears at once: staged beside its place, verified, then renamed.

A process that is killed leaves its staging folder behind, which no reader looks at. Its owner held a lock on
it, which died with it, so the next publisher knows that it may sweep it away.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from storage.backend import TreeToPublish
from storage.directory_lock import locked
from storage.errors import StorageConflict, StorageError

STAGING_SUFFIX = ".staging"
_BLOCK = 1 << 20


def is_staging(name: str) -> bool:
    """Whether a folder of this name is somebody's unfinished work."""
    return name.startswith(".") and name.endswith(STAGING_SUFFIX)


def publish_folder(target: Path, tree: TreeToPublish) -> None:
    """Makes ``tree`` appear at ``target``, whole; its last file is written last all the same.

    Raises:
        StorageConflict: where something stands at ``target``.
        StorageError: where a file arrived with another checksum.
        OSError: what the file system says.
    """
    parent = target.parent
    parent.mkdir(parents=True, exist_ok=True)
    _refuse_taken(target)
    _sweep(parent)
    with _staging_folder(parent, target.name) as staging:
        _fill(staging, tree)
        with locked(parent):
            _refuse_taken(target)
            _rename(staging, target)
        _sync_folder(parent)


def _rename(staging: Path, target: Path) -> None:
    try:
        staging.rename(target)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        raise _taken(target) from None


def _refuse_taken(target: Path) -> None:
    # An empty folder is nothing, as in an object store: the rename replaces it.
    empty = target.is_dir() and not target.is_symlink() and not any(target.iterdir())
    if os.path.lexists(target) and not empty:
        raise _taken(target)


def _taken(target: Path) -> StorageConflict:
    return StorageConflict("something stands there already", uri=target, expected="nothing")


@contextmanager
def _staging_folder(parent: Path, name: str) -> Iterator[Path]:
    staging = parent / f".{name}.{os.getpid()}.{secrets.token_hex(6)}{STAGING_SUFFIX}"
    with locked(parent):  # so that no sweep comes between making it and locking it
        staging.mkdir()
        handle = os.open(staging, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    try:
        yield staging
    finally:
        os.close(handle)
        shutil.rmtree(staging, ignore_errors=True)


def _sweep(parent: Path) -> None:
    """Takes away what killed publishers left."""
    with locked(parent):
        for staging in [entry for entry in parent.iterdir() if is_staging(entry.name)]:
            with suppress(OSError):
                handle = os.open(staging, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(staging, ignore_errors=True)
                finally:
                    os.close(handle)


def _fill(staging: Path, tree: TreeToPublish) -> None:
    for name, source in tree.files.items():
        target = staging / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with source.open("rb") as reading, target.open("xb") as writing:
            shutil.copyfileobj(reading, writing, _BLOCK)
            writing.flush()
            os.fsync(writing.fileno())
    for stored in tree.stored:
        _verify(staging / stored.path, stored.sha256)
    with (staging / tree.last_name).open("xb") as writing:
        writing.write(tree.last_data)
        writing.flush()
        os.fsync(writing.fileno())
    for folder in [staging, *(entry for entry in staging.rglob("*") if entry.is_dir())]:
        _sync_folder(folder)


def _verify(path: Path, expected: str) -> None:
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != expected:
        mend = "see that nothing writes to the source, and run it again"
        raise StorageError(
            "a file arrived with another checksum",
            uri=path,
            found=found,
            expected=expected,
            mend=mend,
            transient=True,
        )


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)
