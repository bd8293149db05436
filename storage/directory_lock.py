"""One writer at a time in a folder, between threads and between processes.

The folder itself is locked (flock), so nothing has to be created or cleaned up and a killed process holds
nothing. Network file systems that cannot lock a folder get a hidden lock file in it.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK_FILE = ".urbandet.lock"
_CANNOT_LOCK_A_FOLDER = (errno.EBADF, errno.EINVAL, errno.ENOLCK, errno.EOPNOTSUPP, errno.EISDIR)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds the only lock of ``folder`` while the body runs; waits for it.

    Raises:
        OSError: where the folder is not there or its file system has no locks at all.
    """
    handle = _lock(folder)
    try:
        yield
    finally:
        os.close(handle)


def _lock(folder: Path) -> int:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        return handle
    except OSError as error:
        os.close(handle)
        if error.errno not in _CANNOT_LOCK_A_FOLDER:
            raise
    handle = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
    except OSError:
        os.close(handle)
        raise
    return handle
