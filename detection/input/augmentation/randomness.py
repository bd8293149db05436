"""Random numbers that depend on nothing but a seed, so that a run can be repeated and continued.

Every draw uses the Philox generator by name: the automatic choice may differ between devices.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def uniform(seed: Any, shape: list[int] | Any, low: float = 0.0, high: float = 1.0) -> Any:
    """Float32 values, uniform in [low, high)."""
    return tf.random.stateless_uniform(shape, seed=seed, minval=low, maxval=high, alg="philox")


def uniform_integer(seed: Any, low: Any, high: Any) -> Any:
    """One int32, uniform in [low, high); ``low`` where the interval is empty."""
    low = tf.cast(low, tf.int32)
    above = tf.maximum(tf.cast(high, tf.int32), low + 1)
    return tf.random.stateless_uniform([], seed=seed, minval=low, maxval=above, dtype=tf.int32, alg="philox")


def derived(seed: Any, number: Any) -> Any:
    """An independent seed, ``[2]`` int64, for part ``number`` of what ``seed`` is for."""
    return tf.random.fold_in(seed, tf.cast(number, tf.int64), alg="philox")
