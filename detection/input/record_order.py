"""The order in which a training run meets its records: shuffled, the same for the same seed, and resumable.

The order is one endless stream, epoch after epoch, in which each epoch holds every record exactly once. Only
encoded records are shuffled, in a buffer bounded in bytes; nothing here depends on global random state or on
how often a dataset was iterated before. So position ``n`` of the stream is the same record in every run with
the same files, config and seed, and a run that goes on can start at any position.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from detection.errors import ConfigError
from detection.input.record_files import RecordFiles

#: Upper limit of the shuffle buffer in bytes of encoded records.
SHUFFLE_BYTE_BUDGET = 512 * 1024 * 1024
_READ_AHEAD_RECORDS = 64
_ENDLESS = 2**40


@dataclass(frozen=True)
class RecordOrder:
    """What decides the order, all of it from the input reader and the files.

    Attributes:
        files: The scanned files.
        seed: Decides all shuffling.
        shuffle: Whether files and records are shuffled at all.
        buffer_records: Size of the shuffle buffer in records.
        parallel_files: Number of files that are read in turns.
        block_length: Records taken from a file in its turn.
        keep_one_of: Keeps every n-th record of the (shuffled) epoch.
        epochs: Number of epochs; 0 is without end.
    """

    files: RecordFiles
    seed: int
    shuffle: bool
    buffer_records: int
    parallel_files: int
    block_length: int
    keep_one_of: int
    epochs: int

    @property
    def records_per_epoch(self) -> int:
        """Number of records of one epoch."""
        return -(-self.files.record_count // self.keep_one_of)


def order_from_reader(
    reader: Any, files: RecordFiles, seed: int, byte_budget: int = SHUFFLE_BYTE_BUDGET
) -> RecordOrder:
    """The order that an ``InputReader`` asks for (OD_API_SPEC section 9.2).

    The shuffle buffer has ``shuffle_buffer_size`` records, fewer where those could exceed ``byte_budget``.

    Raises:
        ConfigError: The reader asks for dataset mixing, which is not supported, or for a size of 0.
    """
    if len(reader.sample_from_datasets_weights) > 0:
        raise ConfigError(
            "Mixing data sets by weight is not supported.",
            field="input_reader.sample_from_datasets_weights",
            found=list(reader.sample_from_datasets_weights),
            expected="the field absent: all files form one data set",
        )
    sizes = ("shuffle_buffer_size", "num_readers", "read_block_length", "sample_1_of_n_examples")
    for name in sizes:
        if getattr(reader, name) < 1:
            raise ConfigError(
                "A size of the input reader is 0.",
                field=f"input_reader.{name}",
                found=0,
                expected="at least 1",
            )
    return RecordOrder(
        files=files,
        seed=seed,
        shuffle=reader.shuffle,
        buffer_records=min(reader.shuffle_buffer_size, files.records_within(byte_budget), files.record_count),
        parallel_files=min(reader.num_readers, len(files.paths)),
        block_length=reader.read_block_length,
        keep_one_of=reader.sample_1_of_n_examples,
        epochs=reader.num_epochs,
    )


def ordered_records(order: RecordOrder, start: int = 0) -> tf.data.Dataset:
    """The stream from position ``start`` on, as a dataset of (position int64, serialized example string).

    Whole epochs before ``start`` cost nothing; within its epoch the encoded records before it are read and
    dropped, never decoded.
    """
    first_epoch, offset = divmod(start, order.records_per_epoch)
    end = order.epochs if order.epochs else _ENDLESS
    rest = tf.data.Dataset.range(first_epoch, end).flat_map(lambda epoch: _epoch(order, epoch))
    return rest.skip(offset).enumerate(start=start).prefetch(_READ_AHEAD_RECORDS)


def _epoch(order: RecordOrder, epoch: Any) -> tf.data.Dataset:
    """Each record once, in the order of this epoch."""
    paths = tf.constant(order.files.paths)
    seeds = tf.random.stateless_uniform(
        [2],
        seed=tf.stack([tf.constant(order.seed, tf.int64), epoch]),
        maxval=2**31 - 1,
        dtype=tf.int32,
        alg="philox",
    )
    if order.shuffle:
        keys = tf.random.stateless_uniform([len(order.files.paths)], seed=seeds, alg="philox")
        paths = tf.gather(paths, tf.argsort(keys, stable=True))
    records = tf.data.Dataset.from_tensor_slices(paths).interleave(
        tf.data.TFRecordDataset,
        cycle_length=order.parallel_files,
        block_length=order.block_length,
    )
    if order.shuffle and order.buffer_records > 1:
        # Sets the seed of this function's graph only: the order must not depend on the caller's
        # tf.random.set_seed. Never 0: TensorFlow would compare the tensor below with a number to find out
        # whether both are 0.
        tf.random.set_seed(order.seed + 1)
        records = records.shuffle(
            order.buffer_records, seed=tf.cast(seeds[0], tf.int64), reshuffle_each_iteration=False
        )
    return records.shard(order.keep_one_of, 0) if order.keep_one_of > 1 else records
