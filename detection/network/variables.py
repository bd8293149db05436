"""Where the network's variables are made: names, seeds, and how replicas keep them in step."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from detection.network.initializers import Initializer, constant


class VariableFactory:
    """Makes the variables of one network.

    Args:
        seed: Seed of all starting values; None draws one from the operating system.
    """

    def __init__(self, seed: int | None) -> None:
        self._seed = int(np.random.SeedSequence().entropy) % 2**63 if seed is None else seed  # type: ignore[arg-type]

    def weight(self, name: str, shape: Sequence[int], initializer: Initializer) -> tf.Variable:
        """A trainable float32 variable under its OD API name."""
        return tf.Variable(self._initial_value(name, shape, initializer), trainable=True, name=name)

    def moving_statistic(self, name: str, channels: int, initial: float) -> tf.Variable:
        """A float32 moving average: each replica keeps its own, reading from outside gives their mean."""
        return tf.Variable(
            self._initial_value(name, [channels], constant(initial)),
            trainable=False,
            name=name,
            synchronization=tf.VariableSynchronization.ON_READ,
            aggregation=tf.VariableAggregation.MEAN,
        )

    def _initial_value(self, name: str, shape: Sequence[int], initializer: Initializer) -> np.ndarray:
        # Keyed by name: a variable's start does not depend on how many were made before it.
        seeds = np.random.SeedSequence([self._seed % 2**63, zlib.crc32(name.encode())])
        return initializer(shape, np.random.Generator(np.random.PCG64(seeds)))
