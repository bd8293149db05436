"""Where training runs: on all GPUs of the machine, or on its one device."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from detection.errors import ConfigError


def default_strategy() -> Any:
    """``MirroredStrategy`` where there is more than one GPU, else TensorFlow's default strategy."""
    if len(tf.config.list_logical_devices("GPU")) > 1:
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()


def distribute(dataset: Any, strategy: Any, batch_size: int) -> Any:
    """Splits each batch over the replicas; with one replica the dataset as it is.

    Args:
        dataset: Batches of ``batch_size`` images.
        strategy: A ``tf.distribute`` strategy.
        batch_size: ``train_config.batch_size``, over all replicas together as in the OD API.

    Raises:
        ConfigError: The batch cannot be split evenly.
    """
    replicas = strategy.num_replicas_in_sync
    if replicas == 1:
        return dataset
    if batch_size % replicas:
        raise ConfigError(
            "the batch cannot be split evenly over the devices",
            field="train_config.batch_size",
            found=batch_size,
            expected=f"a multiple of {replicas}, the number of devices",
        )
    return strategy.experimental_distribute_dataset(dataset)


def local_parts(value: Any) -> list[Any]:
    """The parts of a possibly distributed tensor, one per replica."""
    return list(value.values) if isinstance(value, tf.distribute.DistributedValues) else [value]
