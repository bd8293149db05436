"""How many records TFRecord files hold and how long each is, without reading the records.

A record is an 8-byte little-endian length, 4 bytes CRC of it, the data, 4 bytes CRC of the data. Hopping from
length to length reads 12 bytes a record, so even a large shard takes milliseconds. The counts make it
possible to skip whole epochs when an interrupted run goes on, and to bound the memory of the shuffle buffer
in bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detection.errors import DataError

_HEADER_BYTES = 12
_FOOTER_BYTES = 4


@dataclass(frozen=True)
class RecordFiles:
    """TFRecord files and the lengths of their records.

    Attributes:
        paths: Local paths, in the order given.
        lengths: For each file its record lengths in bytes, in file order, int64.
    """

    paths: tuple[str, ...]
    lengths: tuple[np.ndarray, ...]

    @property
    def record_count(self) -> int:
        """Number of records in all files."""
        return sum(len(lengths) for lengths in self.lengths)

    def records_within(self, byte_budget: int) -> int:
        """How many records, whichever they are, never exceed ``byte_budget`` together; at least 1."""
        longest_first = np.sort(np.concatenate(self.lengths))[::-1]
        fitting = int(np.searchsorted(np.cumsum(longest_first), byte_budget, side="right"))
        return max(fitting, 1)


def scan_record_files(files: Sequence[str]) -> RecordFiles:
    """Reads the framing of local TFRecord files.

    Raises:
        DataError: No files, a file that is missing, truncated or no (uncompressed) TFRecord, or no record at
            all.
    """
    if not files:
        raise DataError(
            "There are no TFRecord files to read.",
            field="tf_record_input_reader.input_path",
            expected="at least one file",
        )
    scanned = RecordFiles(tuple(files), tuple(_record_lengths(path) for path in files))
    if scanned.record_count == 0:
        raise DataError(
            "The TFRecord files hold no records.",
            file=", ".join(scanned.paths[:3]) + (" ..." if len(scanned.paths) > 3 else ""),
            found="0 records",
            expected="at least one",
        )
    return scanned


def _record_lengths(path: str) -> np.ndarray:
    lengths: list[int] = []
    try:
        size = Path(path).stat().st_size
        with Path(path).open("rb", buffering=0) as stream:
            position = 0
            while position < size:
                length = _length_at(stream.read(_HEADER_BYTES), position, size, len(lengths), path)
                lengths.append(length)
                position += _HEADER_BYTES + length + _FOOTER_BYTES
                stream.seek(position)
    except OSError as error:
        raise DataError(
            "A TFRecord file cannot be read.",
            file=path,
            found=error.strerror or error,
            mend="check the path and the permissions",
        ) from None
    return np.asarray(lengths, dtype=np.int64)


def _length_at(header: bytes, position: int, size: int, index: int, path: str) -> int:
    rest = size - position - _HEADER_BYTES - _FOOTER_BYTES
    if len(header) == _HEADER_BYTES:
        (length,) = struct.unpack("<Q", header[:8])
        if length <= rest:
            return int(length)
        found = f"record {index} at byte {position} says {length} bytes, {max(rest, 0)} are left"
    else:
        found = f"{len(header)} stray bytes after record {index - 1}"
    raise DataError(
        "A TFRecord file is truncated, compressed or no TFRecord.",
        file=path,
        found=found,
        expected="whole records in an uncompressed TFRecord file",
        mend="write or fetch the file again",
    )
