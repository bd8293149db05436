"""What can go wrong between us and a place that stores things: one clear message each."""

from __future__ import annotations

import errno

EXIT_CONFIGURATION = 2
EXIT_TRANSIENT = 75

_TRANSIENT_ERRNOS = frozenset(
    {
        errno.EAGAIN,
        errno.EBUSY,
        errno.EINTR,
        errno.EIO,
        errno.ESTALE,
        errno.ETIMEDOUT,
        errno.EMFILE,
        errno.ENFILE,
    }
)


class StorageError(Exception):
    """A place could not be read or written.

    Args:
        problem: One sentence that says what is wrong.
        uri: The place.
        found: What stands there.
        expected: What should stand there.
        mend: What to do about it.
        transient: Whether trying again later may help; it decides ``exit_code``.

    Attributes:
        exit_code: 75 for a transient error, else 2 (DESIGN section 6).
        details: The named facts above as strings, without those that are not known.
    """

    def __init__(
        self,
        problem: str,
        *,
        uri: object = None,
        found: object = None,
        expected: object = None,
        mend: object = None,
        transient: bool = False,
    ) -> None:
        self.problem = problem
        self.exit_code = EXIT_TRANSIENT if transient else EXIT_CONFIGURATION
        details = {"uri": uri, "found": found, "expected": expected, "mend": mend}
        self.details = {name: str(value) for name, value in details.items() if value is not None}
        lines = [problem, *(f"  {name}: {value}" for name, value in self.details.items())]
        super().__init__("\n".join(lines))


class StorageNotFound(StorageError):  # noqa: N818 - named after what happened, as FileNotFoundError's kin
    """Nothing stands at the place."""


class StorageConflict(StorageError):  # noqa: N818
    """A conditional write found something else than its condition asks for."""


def from_os_error(error: OSError, uri: str, doing: str) -> StorageError:
    """The storage error that says what the operating system said, with what the user can do."""
    said = f"{error.strerror or error} ({errno.errorcode.get(error.errno or 0, 'unknown')})"
    if isinstance(error, FileNotFoundError):
        return StorageNotFound(f"cannot {doing}: nothing stands there", uri=uri, mend="check the path")
    if isinstance(error, PermissionError):
        mend = "give this user the permission, or name another place"
        return StorageError(f"cannot {doing}: no permission", uri=uri, found=said, mend=mend)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        mend = "free some space or name another place"
        return StorageError(f"cannot {doing}: the disk is full", uri=uri, found=said, mend=mend)
    if isinstance(error, IsADirectoryError):
        return StorageError(f"cannot {doing}: it is a folder", uri=uri, expected="a file", mend="name a file")
    return StorageError(f"cannot {doing}", uri=uri, found=said, transient=error.errno in _TRANSIENT_ERRNOS)
