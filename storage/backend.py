"""What each kind of storage must be able to do; the rest of the package is written on top of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol


@dataclass(frozen=True)
class StoredFile:
    """One file as it was stored.

    Attributes:
        path: Its name below the place it was stored at, with ``/`` between the parts.
        bytes: Its size.
        sha256: The hexadecimal digest of its content.
    """

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class TreeToPublish:
    """A tree that is to appear as one.

    Attributes:
        files: Name below the tree's top to the local file that goes there.
        stored: What each is to be once it is stored; a different checksum is an error.
        last_name: The file that is written after all others: what says that the tree is whole.
        last_data: Its content.
    """

    files: Mapping[str, Path]
    stored: Sequence[StoredFile]
    last_name: str
    last_data: bytes


class Backend(Protocol):
    """One kind of storage. ``uri`` is always whole, with its scheme; every write is atomic."""

    def open(self, uri: str) -> AbstractContextManager[BinaryIO]:
        """A stream from the first byte; StorageNotFound where nothing stands there."""

    def read_versioned(self, uri: str) -> tuple[bytes, str]:
        """The content and the token of exactly this version."""

    def write(self, uri: str, data: bytes) -> str:
        """Writes whatever stands there and returns the new token."""

    def create(self, uri: str, data: bytes) -> str:
        """Writes only where nothing stands; else StorageConflict. Returns the token."""

    def replace(self, uri: str, data: bytes, if_match: str) -> str:
        """Writes only over the version ``if_match``; else StorageConflict. Returns the new token."""

    def upload(self, source: Path, uri: str) -> StoredFile:
        """Stores a local file, streaming; ``path`` of the answer is the last part of ``uri``."""

    def size(self, uri: str) -> int | None:
        """The size in bytes; None where no file stands there."""

    def delete(self, uri: str) -> bool:
        """Takes the file away; False where there was none."""

    def walk(self, folder: str, depth: int | None = None) -> Iterator[str]:
        """The URIs of all files below ``folder`` (which ends in ``/`` or is empty), in any order.

        ``depth`` is how many parts a name below ``folder`` may have; None for any.
        """

    def publish_tree(self, uri: str, tree: TreeToPublish) -> None:
        """Makes a whole tree appear at ``uri`` at once; StorageConflict where anything stands there."""

    def local_path(self, uri: str) -> Path:
        """A local file with the content of ``uri``."""
