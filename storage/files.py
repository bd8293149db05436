"""The local file system as storage: plain paths and ``file://``.

Every write goes to a hidden file beside its target, is flushed to the disk and then renamed, so a reader or
a crash sees the old content or the new one, never a mixture. Writers of one folder take turns
(``directory_lock``), which makes compare-and-swap true between processes.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from storage.backend import StoredFile, TreeToPublish
from storage.directory_lock import LOCK_FILE, locked
from storage.errors import StorageConflict, StorageError, from_os_error
from storage.folder_publishing import is_staging, publish_folder
from storage.locations import scheme_of

PART_SUFFIX = ".part"
_BLOCK = 1 << 20
_NO_HARD_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


class FileBackend:
    """See ``storage.backend.Backend``."""

    @contextmanager
    def open(self, uri: str) -> Iterator[BinaryIO]:
        """A stream from the first byte."""
        with _errors(uri, "read"):
            stream = self.local_path(uri).open("rb")
        with stream:  # errors of what the caller does with it are the caller's
            yield stream

    def read_versioned(self, uri: str) -> tuple[bytes, str]:
        """The content and its token, from one open file: a rename in between cannot mix two versions."""
        with self.open(uri) as stream, _errors(uri, "read"):
            data = stream.read()
            return data, _token(os.fstat(stream.fileno()), data)

    def write(self, uri: str, data: bytes) -> str:
        """Replaces whatever stands there."""
        with _errors(uri, "write"), _staged_bytes(self.local_path(uri), data) as part:
            token = _token(part.stat(), data)
            with locked(part.parent):
                part.replace(self.local_path(uri))
            _sync_folder(part.parent)
        return token

    def create(self, uri: str, data: bytes) -> str:
        """Writes only where nothing stands."""
        path = self.local_path(uri)
        with _errors(uri, "create"), _staged_bytes(path, data) as part:
            token = _token(part.stat(), data)
            with locked(path.parent):
                _link_new(part, path, uri)
            _sync_folder(path.parent)
        return token

    def replace(self, uri: str, data: bytes, if_match: str) -> str:
        """Writes only over the version ``if_match``."""
        path = self.local_path(uri)
        with _errors(uri, "replace"), _staged_bytes(path, data) as part:
            token = _token(part.stat(), data)
            with locked(path.parent):
                self._check_token(uri, if_match)
                part.replace(path)
            _sync_folder(path.parent)
        return token

    def _check_token(self, uri: str, if_match: str) -> None:
        try:
            _, now = self.read_versioned(uri)
        except StorageError:
            now = "nothing"
        if now != if_match:
            raise StorageConflict(
                "somebody else wrote there first", uri=uri, found=now, expected=if_match, mend="read it again"
            )

    def upload(self, source: Path, uri: str) -> StoredFile:
        """Stores a local file, streaming, and gives the checksum of what was read."""
        path = self.local_path(uri)
        with _errors(uri, "write"), _part_beside(path) as part:
            digest, size = _copy(source, part)
            with locked(path.parent):
                part.replace(path)
            _sync_folder(path.parent)
        return StoredFile(path=path.name, bytes=size, sha256=digest)

    def size(self, uri: str) -> int | None:
        """The size in bytes; None where no file stands there."""
        path = self.local_path(uri)
        try:
            return path.stat().st_size if path.is_file() else None
        except FileNotFoundError:
            return None

    def delete(self, uri: str) -> bool:
        """Takes the file away; False where there was none."""
        path = self.local_path(uri)
        with _errors(uri, "delete"):
            try:
                with locked(path.parent):
                    path.unlink()
            except (FileNotFoundError, NotADirectoryError):
                return False
            _sync_folder(path.parent)
        return True

    def publish_tree(self, uri: str, tree: TreeToPublish) -> None:
        """Stages the tree beside its place and renames it."""
        with _errors(uri, "publish"):
            publish_folder(self.local_path(uri), tree)

    def walk(self, folder: str, depth: int | None = None) -> Iterator[str]:
        """All files below ``folder``; what an unfinished write has staged is not there yet."""
        root = self.local_path(folder) if folder else Path()

        def unreadable(error: OSError) -> None:
            if not isinstance(error, (FileNotFoundError, NotADirectoryError)):
                raise from_os_error(error, str(error.filename), "list")

        for parent, folders, names in os.walk(root, onerror=unreadable, followlinks=True):
            folders[:] = [name for name in folders if not is_staging(name)]
            if depth is not None and len(Path(parent).relative_to(root).parts) + 1 >= depth:
                folders.clear()
            below = os.path.relpath(parent, root)
            start = folder if below == "." else f"{folder}{below}/"
            yield from (start + name for name in names if not _unfinished(name))

    def local_path(self, uri: str) -> Path:
        """The path that ``uri`` names."""
        if not scheme_of(uri):
            return Path(uri)
        path = uri[len("file://") :].removeprefix("localhost")
        if not path.startswith("/"):
            mend = "write three slashes: file:///folder/name"
            raise StorageError("a file:// URI names a path from the root", uri=uri, mend=mend)
        return Path(path)


def _unfinished(name: str) -> bool:
    return name == LOCK_FILE or (name.startswith(".") and name.endswith(PART_SUFFIX))


def _token(status: os.stat_result, data: bytes) -> str:
    # The content alone would call A, B, A unchanged; a rename always brings another file (inode, time).
    return f"{hashlib.sha256(data).hexdigest()[:32]}-{status.st_ino}-{status.st_mtime_ns}"


@contextmanager
def _errors(uri: str, doing: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise from_os_error(error, uri, doing) from error


@contextmanager
def _part_beside(path: Path) -> Iterator[Path]:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name[:100]}.{os.getpid()}.{secrets.token_hex(6)}{PART_SUFFIX}")
    try:
        yield part
    finally:
        with suppress(FileNotFoundError):
            part.unlink()


@contextmanager
def _staged_bytes(path: Path, data: bytes) -> Iterator[Path]:
    with _part_beside(path) as part:
        with part.open("xb") as stream:
            stream.write(data)
            _sync(stream)
        yield part


def _copy(source: Path, part: Path) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as reading, part.open("xb") as writing:
        while block := reading.read(_BLOCK):
            digest.update(block)
            size += len(block)
            writing.write(block)
        _sync(writing)
    return digest.hexdigest(), size


def _link_new(part: Path, path: Path, uri: str) -> None:
    conflict = StorageConflict("it is there already", uri=uri, expected="nothing", mend="name another place")
    if path.exists():
        raise conflict
    try:
        os.link(part, path)
    except FileExistsError:
        raise conflict from None
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        part.rename(path)  # the lock is held, so nobody of ours can have created it since


def _sync(stream: BinaryIO) -> None:
    stream.flush()
    os.fsync(stream.fileno())


def _sync_folder(folder: Path) -> None:
    # Makes the rename itself durable; some file systems refuse it for folders, and then it is not needed.
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)
