from __future__ import annotations

import hashlib
import io
import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from components.data_validation.framing import masked_crc32c, read_records

LIMIT = 1 << 20


def frame(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", masked_crc32c(length)) + data + struct.pack("<I", masked_crc32c(data))


def read(content: bytes, limit: int = LIMIT):
    digest = hashlib.sha256()
    records = list(read_records(io.BytesIO(content), len(content), limit, digest.update))
    assert (
        digest.digest() == hashlib.sha256(content).digest()
    )  # whatever is wrong, the whole file was consumed
    return records


datas = st.lists(st.binary(max_size=40), max_size=5)


@given(datas)
def test_whole_files(records):
    content = b"".join(map(frame, records))
    found = read(content)
    assert [record.data for record in found] == records
    assert not any(record.fault for record in found)
    assert [content[record.offset : record.offset + 8] for record in found] == [
        struct.pack("<Q", len(data)) for data in records
    ]


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=4), st.data())
def test_any_flipped_bit_is_found_and_named(records, data):
    frames = list(map(frame, records))
    content = bytearray(b"".join(frames))
    bit = data.draw(st.integers(0, len(content) * 8 - 1))
    content[bit // 8] ^= 1 << bit % 8
    index, offset = 0, 0
    while offset + len(frames[index]) <= bit // 8:
        offset += len(frames[index])
        index += 1
    found = read(bytes(content))
    faults = [record for record in found if record.fault]
    assert len(faults) == 1
    assert (faults[0].index, faults[0].offset) == (index, offset)
    assert f"byte offset {offset}" in faults[0].fault.found and faults[0].data is None
    in_length = bit // 8 - offset < 12
    # Behind wrong data everything is still read; behind a wrong length nothing can be found.
    good = records[:index] + ([] if in_length else records[index + 1 :])
    assert [record.data for record in found if record.data is not None] == good


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=4), st.data())
def test_any_truncation_is_found(records, data):
    frames = list(map(frame, records))
    content = b"".join(frames)
    length = data.draw(st.integers(0, len(content) - 1))
    boundaries = [len(b"".join(frames[:count])) for count in range(len(frames))]
    found = read(content[:length])
    faults = [record for record in found if record.fault]
    assert len(faults) == (0 if length in boundaries else 1)
    whole = sum(1 for end in boundaries[1:] if end <= length)
    assert len([record for record in found if record.data is not None]) == whole
    if faults:
        assert faults[0].index == whole


@given(st.binary(max_size=300))
@example(b"\x1f\x8b\x08\x00" + bytes(20))
def test_garbage_never_raises(content):
    found = read(content)
    assert not content or found


def test_a_length_beyond_the_limit_is_not_read():
    [record] = read(frame(bytes(100)), limit=99)
    assert record.fault.field == "length" and "100 bytes" in record.fault.found


def test_a_hostile_length_takes_no_memory():
    header = struct.pack("<Q", 1 << 60)
    [record] = read(header + struct.pack("<I", masked_crc32c(header)) + b"x", limit=1 << 62)
    assert "the file ends" in record.fault.found


def test_gzip_is_named():
    [record] = read(b"\x1f\x8b\x08\x00" + bytes(30))
    assert "gzip" in record.fault.found and "gunzip" in record.fault.mend


def test_files_written_by_tensorflow(shared_dir):
    for path in sorted((shared_dir / "data" / "real").glob("*.tfrecord")):
        found = read(path.read_bytes(), limit=1 << 28)
        assert found and not any(record.fault for record in found)


@pytest.mark.parametrize("data", [b"", b"123456789"])
def test_the_checksum_is_crc32c(data):
    unmasked = {b"": 0, b"123456789": 0xE3069283}[data]  # the check value of CRC-32C
    crc = (masked_crc32c(data) - 0xA282EAD8) & 0xFFFFFFFF
    assert ((crc << 15) | (crc >> 17)) & 0xFFFFFFFF == unmasked
