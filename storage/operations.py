"""The verbs of storage, for any URI."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

from storage.backend import Backend, StoredFile, TreeToPublish
from storage.errors import StorageError, from_os_error
from storage.files import FileBackend
from storage.locations import compile_glob, fixed_folder, has_glob, join, scheme_of

_BLOCK = 1 << 20
_TRANSFERS_AT_ONCE = 8
_FILES = FileBackend()
# One line for each kind of storage.
_BACKENDS: dict[str, Backend] = {"": _FILES, "file": _FILES}
_NOT_BUILT_YET = ("s3", "gs")


def _backend(uri: str) -> Backend:
    if not uri:
        raise StorageError("no place is named", expected="a path or a URI")
    scheme = scheme_of(uri)
    if scheme in _BACKENDS:
        return _BACKENDS[scheme]
    expected = "a path or file://"
    if scheme in _NOT_BUILT_YET:
        mend = "copy the data to a local folder"
        raise StorageError(f"{scheme}:// is not built yet", uri=uri, expected=expected, mend=mend)
    raise StorageError(
        "this kind of storage is not supported", uri=uri, found=f"{scheme}://", expected=expected
    )


def open_read(uri: str) -> AbstractContextManager[BinaryIO]:
    """A stream from the first byte of ``uri``, for ``with``."""
    return _backend(uri).open(uri)


def read_bytes(uri: str) -> bytes:
    """The whole content of ``uri``; StorageNotFound where nothing stands there."""
    return read_versioned(uri)[0]


def read_versioned(uri: str) -> tuple[bytes, str]:
    """The content of ``uri`` and the token of this version, for ``replace_bytes``."""
    return _backend(uri).read_versioned(uri)


def write_bytes(uri: str, data: bytes) -> str:
    """Writes ``data`` atomically over whatever stands at ``uri``; returns the token of the new version."""
    return _backend(uri).write(uri, data)


def create_bytes(uri: str, data: bytes) -> str:
    """Writes ``data`` only where nothing stands yet; returns its token.

    Raises:
        StorageConflict: where something stands there; of many at once, exactly one succeeds.
    """
    return _backend(uri).create(uri, data)


def replace_bytes(uri: str, data: bytes, if_match: str | None) -> str:
    """Compare-and-swap: writes only over the version with the token ``if_match`` (None: over nothing).

    Raises:
        StorageConflict: where another version (or nothing) stands there now.
    """
    if if_match is None:
        return create_bytes(uri, data)
    return _backend(uri).replace(uri, data, if_match)


def exists(uri: str) -> bool:
    """Whether a file stands at ``uri`` (a folder is not one)."""
    return _backend(uri).size(uri) is not None


def size(uri: str) -> int | None:
    """The size of ``uri`` in bytes; None where no file stands there."""
    return _backend(uri).size(uri)


def delete(uri: str) -> bool:
    """Takes the file at ``uri`` away; False where there was none."""
    return _backend(uri).delete(uri)


def list_uris(pattern: str) -> list[str]:
    """The files that match ``pattern``, sorted, named in the way the pattern is (path or URI).

    ``*``, ``?`` and ``[...]`` stay within one path component, ``**`` crosses them. A pattern that names an
    existing file exactly gives that file, whatever characters its name has. Nothing found is an empty list.
    """
    backend = _backend(pattern)
    if backend.size(pattern) is not None:
        return [pattern]
    if not has_glob(pattern):
        return []
    matches, folder = compile_glob(pattern).fullmatch, fixed_folder(pattern)
    depth = None if "**" in pattern else pattern[len(folder) :].count("/") + 1
    return sorted(uri for uri in backend.walk(folder, depth) if matches(uri))


def list_tree(folder: str) -> list[str]:
    """The names of all files below ``folder``, relative to it, sorted; empty where there is none."""
    start = folder.rstrip("/") + "/"
    return sorted(uri[len(start) :] for uri in _backend(folder).walk(start))


def local_path(uri: str) -> Path:
    """A local path with the content of ``uri``: the path itself for local files."""
    return _backend(uri).local_path(uri)


def upload_file(source: Path, uri: str) -> StoredFile:
    """Stores the local file ``source`` at ``uri`` atomically, streaming."""
    return _backend(uri).upload(source, uri)


def upload_tree(local_folder: Path, uri: str) -> list[StoredFile]:
    """Stores all files below ``local_folder`` below ``uri``, many at once, each whole or not at all.

    Returns:
        What was stored, sorted by path relative to ``uri``.

    Raises:
        StorageError: where the folder is missing or a file cannot be stored; earlier files stay.
    """
    if not local_folder.is_dir():
        raise StorageError("there is no such folder to store", uri=local_folder, expected="a folder")
    names = sorted(str(path.relative_to(local_folder)) for path in local_folder.rglob("*") if path.is_file())

    def store(name: str) -> StoredFile:
        stored = upload_file(local_folder / name, join(uri, name))
        return StoredFile(path=name, bytes=stored.bytes, sha256=stored.sha256)

    with ThreadPoolExecutor(_TRANSFERS_AT_ONCE) as transfers:
        return list(transfers.map(store, names))


def publish_tree(uri: str, tree: TreeToPublish) -> None:
    """Makes a whole tree appear at ``uri`` at once, after its checksums were verified where it is stored.

    Raises:
        StorageConflict: where anything stands at ``uri``; of many at once, exactly one succeeds.
        StorageError: where it cannot be stored, or arrived with another checksum. Then nothing is there.
    """
    _backend(uri).publish_tree(uri, tree)


def sha256(uri: str) -> str:
    """The hexadecimal SHA-256 of the content of ``uri``, streaming."""
    digest = hashlib.sha256()
    with open_read(uri) as stream:
        try:
            while block := stream.read(_BLOCK):
                digest.update(block)
        except OSError as error:
            raise from_os_error(error, uri, "read") from error
    return digest.hexdigest()
