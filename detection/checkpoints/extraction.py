"""Unpacking an archive that nobody vouches for.

Only checkpoint files and ``pipeline.config`` are written, and only if every member is harmless.
"""

from __future__ import annotations

import gzip
import lzma
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Literal

from detection.errors import CheckpointError

ARCHIVE_SUFFIXES = (".tar.gz", ".tgz", ".tar.xz")

_LARGEST_MEMBER_BYTES = 8 * 2**30
_LARGEST_TOTAL_BYTES = 16 * 2**30
_MOST_MEMBERS = 10_000
_LARGEST_HEADER_BYTES = 2**20
_LARGEST_XZ_MEMORY_BYTES = 512 * 2**20
_LARGEST_TAIL_BYTES = 64 * 2**20
_COPIED_AT_ONCE = 2**20
_XZ_MAGIC = b"\xfd7zXZ\x00"
_GZIP_MAGIC = b"\x1f\x8b"


def extract_checkpoint(archive: Path, destination: Path) -> None:
    """Unpacks the checkpoint files of a ``.tar.gz`` or ``.tar.xz`` into a folder that does not exist yet.

    The folder appears whole or not at all.

    Args:
        archive: A local file.
        destination: Its parent must exist. If another process makes it meanwhile, that one stays.

    Raises:
        CheckpointError: The archive is broken, or a member is a link, a device or sparse, leaves the folder,
            comes twice or is too large.
    """
    unfinished = Path(tempfile.mkdtemp(prefix=".extracting-", dir=destination.parent))
    try:
        with _opened(archive) as (tar, stream):
            _extract_members(tar, archive, unfinished)
            _read_to_end(stream, archive)
        _publish(unfinished, destination)
    except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise CheckpointError(
            "The archive is damaged.", file=archive, found=error, mend="download it again"
        ) from error
    except OSError as error:
        raise CheckpointError("The archive cannot be unpacked.", file=archive, found=error) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _publish(unfinished: Path, destination: Path) -> None:
    try:
        unfinished.rename(destination)
    except OSError:
        if not destination.is_dir():
            raise


def _extract_members(tar: tarfile.TarFile, archive: Path, folder: Path) -> None:
    seen: set[PurePosixPath] = set()
    total = 0
    for count, member in enumerate(tar, start=1):
        total += member.size
        path = _checked_path(member, archive)
        if count > _MOST_MEMBERS or total > _LARGEST_TOTAL_BYTES:
            raise _refused(archive, member, "that is more than an archive may hold")
        if member.isdir():
            continue
        if path in seen:
            raise _refused(archive, member, "it comes twice")
        seen.add(path)
        if _is_wanted(path):
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            source = tar.extractfile(member)
            assert source is not None
            with source, target.open("xb") as file:
                shutil.copyfileobj(source, file, _COPIED_AT_ONCE)


def _read_to_end(stream: BinaryIO, archive: Path) -> None:
    """Reads what follows the last member: the checksum stands at the very end of the compressed stream."""
    for _ in range(_LARGEST_TAIL_BYTES // _COPIED_AT_ONCE):
        if not stream.read(_COPIED_AT_ONCE):
            return
    raise CheckpointError("The archive is refused: too much follows its last file.", file=archive)


def _checked_path(member: tarfile.TarInfo, archive: Path) -> PurePosixPath:
    if member.issym() or member.islnk():
        raise _refused(archive, member, "it is a link")
    if not (member.isreg() or member.isdir()):
        raise _refused(archive, member, "it is neither a file nor a folder")
    if member.issparse():
        raise _refused(archive, member, "it is a sparse file")
    if member.size > _LARGEST_MEMBER_BYTES or member.size < 0:
        raise _refused(archive, member, f"its size is {member.size} bytes")
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts or set(member.name) & {"\\", "\0"}:
        raise _refused(archive, member, "it would leave the folder")
    return path


def _is_wanted(path: PurePosixPath) -> bool:
    if "saved_model" in path.parts or path.name.startswith("."):
        return False
    is_checkpoint = path.suffix == ".index" or path.suffix.startswith(".data-")
    return is_checkpoint or path.name in ("checkpoint", "pipeline.config")


def _refused(archive: Path, member: tarfile.TarInfo, reason: str) -> CheckpointError:
    return CheckpointError(f"The archive is refused: {reason}.", file=archive, field=ascii(member.name)[:200])


class _HeaderLimit:
    """A file that refuses to read much at once, which only an inflated tar header would ask for."""

    def __init__(self, file: BinaryIO, archive: Path) -> None:
        self._file = file
        self._archive = archive

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _LARGEST_HEADER_BYTES:
            raise CheckpointError(
                "The archive is refused: it has a header that is too large.", file=self._archive
            )
        return self._file.read(size)

    def seek(self, position: int, whence: Literal[0, 1, 2] = 0) -> int:
        return self._file.seek(position, whence)

    def tell(self) -> int:
        return self._file.tell()


@contextmanager
def _opened(archive: Path) -> Iterator[tuple[tarfile.TarFile, BinaryIO]]:
    with archive.open("rb") as raw:
        start = raw.read(2**16)
        raw.seek(0)
        if start.startswith(_GZIP_MAGIC):
            stream: BinaryIO = gzip.GzipFile(fileobj=raw)  # type: ignore[assignment]
        elif start.startswith(_XZ_MAGIC):
            # A block may ask for gigabytes of memory; the probe fails where it does.
            lzma.LZMADecompressor(memlimit=_LARGEST_XZ_MEMORY_BYTES).decompress(start, max_length=1)
            stream = lzma.LZMAFile(raw)  # type: ignore[assignment]  # noqa: SIM115
        else:
            raise CheckpointError(
                "The archive is of a kind that is not supported.",
                file=archive,
                expected=" or ".join(ARCHIVE_SUFFIXES),
            )
        limited: BinaryIO = _HeaderLimit(stream, archive)  # type: ignore[assignment]
        with stream, tarfile.open(fileobj=limited, mode="r:") as tar:
            yield tar, stream
