from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from detection.errors import DataError
from detection.input.record_files import RecordFiles, scan_record_files


def test_scan_sees_what_tensorflow_reads(write_records: Callable[..., str]) -> None:
    records = [b"x" * n for n in (0, 1, 1000, 70_000)]
    paths = [write_records("a", records), write_records("b", records[:2])]
    scanned = scan_record_files(paths)
    read = [[len(r.numpy()) for r in tf.data.TFRecordDataset(path)] for path in paths]
    assert [lengths.tolist() for lengths in scanned.lengths] == read
    assert scanned.record_count == 6


@pytest.mark.parametrize("cut", [1, 4, 5, 30, 117])
def test_every_truncation_is_named(write_records: Callable[..., str], cut: int) -> None:
    path = Path(write_records("cut.tfrecord", [b"y" * 100, b"z" * 100]))
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(DataError, match="truncated") as caught:
        scan_record_files([str(path)])
    assert caught.value.details["file"] == str(path)


def test_a_cut_between_records_is_a_shorter_file(write_records: Callable[..., str]) -> None:
    path = Path(write_records("whole.tfrecord", [b"y" * 100, b"z" * 100]))
    path.write_bytes(path.read_bytes()[:116])
    assert scan_record_files([str(path)]).record_count == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: [], "no TFRecord files"),
        (lambda folder: [str(folder / "missing")], "cannot be read"),
        (lambda folder: [str(folder)], "cannot be read"),
    ],
)
def test_missing_files(tmp_path: Path, make: Callable[..., list[str]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        scan_record_files(make(tmp_path))


def test_empty_and_foreign_files(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(DataError, match="no records"):
        scan_record_files([str(tmp_path / "empty")])
    with tf.io.TFRecordWriter(str(tmp_path / "gz"), options="GZIP") as writer:
        writer.write(b"q" * 500)
    with pytest.raises(DataError, match="compressed"):
        scan_record_files([str(tmp_path / "gz")])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 50), min_size=1, max_size=20), st.integers(1, 300), st.randoms())
def test_no_choice_of_records_exceeds_the_budget(lengths: list[int], budget: int, random: object) -> None:
    files = RecordFiles(("f",), (np.asarray(lengths),))
    count = files.records_within(budget)
    assert 1 <= count <= len(lengths)
    assert count == 1 or sum(sorted(lengths)[-count:]) <= budget
    assert count == len(lengths) or sum(sorted(lengths)[-count - 1 :]) > budget
