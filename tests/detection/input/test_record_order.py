from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import tensorflow as tf
from google.protobuf import text_format

from detection.config import pipeline_pb2 as pb
from detection.errors import ConfigError
from detection.input.record_files import scan_record_files
from detection.input.record_order import order_from_reader, ordered_records

RECORDS_PER_FILE = 7


@pytest.fixture
def files(write_records: Callable[..., str]) -> list[str]:
    return [
        write_records(f"{shard}.tfrecord", [f"{shard}/{i}".encode() for i in range(RECORDS_PER_FILE)])
        for shard in range(3)
    ]


def _order(files: list[str], reader: str = "", seed: int = 3, **options: Any) -> Any:
    message = text_format.Parse(reader, pb.InputReader())
    return order_from_reader(message, scan_record_files(files), seed, **options)


def _take(order: Any, count: int, start: int = 0) -> list[tuple[int, bytes]]:
    return [(int(i), r) for i, r in ordered_records(order, start).take(count).as_numpy_iterator()]


@pytest.mark.parametrize("buffer", [1, 4, 1000])
def test_every_epoch_holds_each_record_once_in_its_own_order(files: list[str], buffer: int) -> None:
    order = _order(files, f"shuffle_buffer_size: {buffer}")
    stream = _take(order, 63)
    epochs = [[record for _, record in stream[n : n + 21]] for n in (0, 21, 42)]
    assert all(set(Counter(epoch).values()) == {1} and len(epoch) == 21 for epoch in epochs)
    assert [i for i, _ in stream] == list(range(63))
    if buffer == 1000:
        assert epochs[0] != epochs[1] != epochs[2]


@pytest.mark.parametrize(
    "reader", ["", "shuffle: false", "shuffle_buffer_size: 3", "sample_1_of_n_examples: 4"]
)
def test_a_later_start_gives_the_same_stream(files: list[str], reader: str) -> None:
    order = _order(files, reader)
    stream = _take(order, 60)
    for start in (1, 20, 21, 22, 42, 50):
        assert _take(order, 10, start) == stream[start : start + 10], f"start {start}"


def test_the_order_depends_on_the_seed_and_on_nothing_else(files: list[str]) -> None:
    first = _take(_order(files, seed=1), 30)
    tf.random.set_seed(99)
    dataset = ordered_records(_order(files, seed=1))
    for _ in range(2):
        assert [(int(i), r) for i, r in dataset.take(30).as_numpy_iterator()] == first
    assert _take(_order(files, seed=2), 30) != first


def test_no_shuffle_reads_in_turns_in_file_order(files: list[str]) -> None:
    stream = _take(_order(files, "shuffle: false read_block_length: 2 num_readers: 2"), 8)
    assert [record for _, record in stream] == [
        b"0/0",
        b"0/1",
        b"1/0",
        b"1/1",
        b"0/2",
        b"0/3",
        b"1/2",
        b"1/3",
    ]


def test_number_of_epochs_ends_the_stream(files: list[str]) -> None:
    assert len(_take(_order(files, "num_epochs: 2"), 1000)) == 42
    assert len(_take(_order(files, "num_epochs: 2"), 1000, start=40)) == 2
    assert len(_take(_order(files, "num_epochs: 2 sample_1_of_n_examples: 4"), 1000)) == 12


def test_the_shuffle_buffer_is_bounded_in_bytes(files: list[str]) -> None:
    assert _order(files).buffer_records == 21
    assert _order(files, byte_budget=10).buffer_records == 3
    assert _order(files, "shuffle_buffer_size: 5").buffer_records == 5


def test_whole_skipped_epochs_are_not_read(files: list[str]) -> None:
    # A start that would mean reading 2**30 epochs returns at once.
    assert len(_take(_order(files), 2, start=21 * 2**30)) == 2


@pytest.mark.parametrize(
    ("reader", "field"),
    [
        ("sample_from_datasets_weights: [1.0, 2.0]", "sample_from_datasets_weights"),
        ("shuffle_buffer_size: 0", "shuffle_buffer_size"),
        ("num_readers: 0", "num_readers"),
        ("sample_1_of_n_examples: 0", "sample_1_of_n_examples"),
    ],
)
def test_what_makes_no_sense_is_refused(files: list[str], reader: str, field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _order(files, reader)
    assert field in caught.value.details["field"]
