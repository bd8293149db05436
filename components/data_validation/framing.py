"""TFRecord framing, read as a stream with both checksums verified.

A record is: length (uint64, little endian), masked CRC32C of the length's 8 bytes (uint32), the data, and the
masked CRC32C of the data (uint32). The mask is ``rotate_right(crc, 15) + 0xa282ead8``, as in TensorFlow's
``record_writer``.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import google_crc32c

from components.data_validation.findings import Fault

_HEADER = struct.Struct("<QI")
_CRC = struct.Struct("<I")
_MASK_DELTA = 0xA282EAD8
_REMAINDER_BLOCK = 1 << 20
_GZIP_MAGIC = b"\x1f\x8b"
_WRITE_AGAIN = "the file is damaged: copy this shard again from its source, or write it again"


@dataclass(frozen=True)
class FramedRecord:
    """One place in the file where a record stands.

    Attributes:
        index: From 0 within the shard.
        offset: Byte offset of its first header byte.
        data: The content; None where ``fault`` says why it cannot be trusted.
        fault: What is wrong with its framing.
    """

    index: int
    offset: int
    data: bytes | None
    fault: Fault | None = None


def masked_crc32c(data: bytes) -> int:
    """The checksum as TFRecord files keep it."""
    crc = google_crc32c.value(data)
    return (((crc >> 15) | (crc << 17)) + _MASK_DELTA) & 0xFFFFFFFF


def read_records(
    stream: BinaryIO, size: int, max_record_bytes: int, consume: Callable[[bytes], None]
) -> Iterator[FramedRecord]:
    """Reads a whole TFRecord file once.

    A record with wrong data is reported and reading goes on behind it; where a length cannot be trusted,
    nothing behind it can be found, and the rest of the file is only consumed.

    Args:
        stream: The file from its first byte.
        size: Its size in bytes.
        max_record_bytes: No record may be longer; keeps a hostile length from taking the memory.
        consume: Gets every byte of the file in order, for a checksum of the whole.
    """

    def read(count: int) -> bytes:
        piece = stream.read(count)
        consume(piece)
        return piece

    offset = index = 0
    while offset < size:
        header = read(_HEADER.size)
        fault = _header_fault(header, index, offset, size - offset, max_record_bytes)
        if fault:
            yield FramedRecord(index, offset, None, fault)
            break
        length = _HEADER.unpack(header)[0]
        data, footer = read(length), read(_CRC.size)
        fault = _data_fault(data, footer, length, offset)
        yield FramedRecord(index, offset, None if fault else data, fault)
        offset += _HEADER.size + length + _CRC.size
        index += 1
    while read(_REMAINDER_BLOCK):
        pass


def _header_fault(header: bytes, index: int, offset: int, left: int, max_record_bytes: int) -> Fault | None:
    at = f"at byte offset {offset}"
    if index == 0 and header.startswith(_GZIP_MAGIC):
        mend = "decompress the file (gunzip): training reads plain TFRecords"
        return Fault("file", f"a gzip-compressed file {at}", "a plain TFRecord file", mend)
    if len(header) < _HEADER.size:
        expected = f"a header of {_HEADER.size} bytes"
        return Fault(
            "record header", f"{len(header)} bytes before the file ends, {at}", expected, _WRITE_AGAIN
        )
    length, crc = _HEADER.unpack(header)
    computed = masked_crc32c(header[:8])
    if crc != computed:
        found = f"checksum {crc:#010x} of the length {length}, {at}"
        return Fault("length checksum", found, f"{computed:#010x}", _WRITE_AGAIN)
    if length > max_record_bytes:
        mend = "raise framing.max_record_bytes in the policy if the record is meant to be so large"
        return Fault("length", f"{length} bytes {at}", f"at most {max_record_bytes} bytes", mend)
    if _HEADER.size + length + _CRC.size > left:
        found = f"a record of {length} bytes {at}, where the file ends {left} bytes further on"
        return Fault("data", found, f"{_HEADER.size + length + _CRC.size} bytes", _WRITE_AGAIN)
    return None


def _data_fault(data: bytes, footer: bytes, length: int, offset: int) -> Fault | None:
    at = f"at byte offset {offset}"
    if len(data) < length or len(footer) < _CRC.size:
        # The size was right before: somebody shortened the file while it was read.
        return Fault("data", f"{len(data)} bytes {at}", f"{length} bytes", _WRITE_AGAIN)
    crc, computed = _CRC.unpack(footer)[0], masked_crc32c(data)
    if crc == computed:
        return None
    return Fault("data checksum", f"{crc:#010x} {at}", f"{computed:#010x}", _WRITE_AGAIN)
