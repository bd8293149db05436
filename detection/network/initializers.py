"""Starting values of kernels, as functions of shape and random generator (OD_API_SPEC sections 1.3, 1.4, 2).

Values are drawn with NumPy, each variable from a stream of its own, so that a seed gives the same
weights on every device and adding a layer does not change the others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

Initializer = Callable[[Sequence[int], np.random.Generator], np.ndarray]

# Standard deviation of a unit normal that is cut at two sigma.
_TRUNCATED_UNIT_STDDEV = 0.87962566103423978


def _truncated_unit_normal(shape: Sequence[int], generator: np.random.Generator) -> np.ndarray:
    values = generator.standard_normal(tuple(shape), dtype=np.float32)
    outside = np.flatnonzero(np.abs(values) > 2.0)
    flat = values.reshape(-1)
    while outside.size:
        redrawn = generator.standard_normal(outside.size, dtype=np.float32)
        flat[outside] = redrawn
        outside = outside[np.abs(redrawn) > 2.0]
    return values


def truncated_normal(mean: float, stddev: float) -> Initializer:
    """Normal values cut at two sigma and not rescaled: the effective stddev is 0.88 times the given one."""

    def initialize(shape: Sequence[int], generator: np.random.Generator) -> np.ndarray:
        return _truncated_unit_normal(shape, generator) * np.float32(stddev) + np.float32(mean)

    return initialize


def random_normal(mean: float, stddev: float) -> Initializer:
    """Normal values without a cut."""

    def initialize(shape: Sequence[int], generator: np.random.Generator) -> np.ndarray:
        values = generator.standard_normal(tuple(shape), dtype=np.float32)
        return values * np.float32(stddev) + np.float32(mean)

    return initialize


def variance_scaling(scale: float, mode: str, uniform: bool) -> Initializer:
    """Values of variance ``scale / fan`` (He et al. 2015, Glorot & Bengio 2010).

    Args:
        scale: Numerator of the variance.
        mode: Which fan divides it: ``fan_in``, ``fan_out`` or ``fan_avg``.
        uniform: Uniform values, or normal ones cut at two sigma and rescaled to the nominal variance.
    """

    def initialize(shape: Sequence[int], generator: np.random.Generator) -> np.ndarray:
        receptive_field = math.prod(shape[:-2])
        fan_in, fan_out = receptive_field * shape[-2], receptive_field * shape[-1]
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[mode]
        variance = scale / max(1.0, fan)
        if uniform:
            limit = math.sqrt(3.0 * variance)
            return generator.uniform(-limit, limit, tuple(shape)).astype(np.float32)
        stddev = math.sqrt(variance) / _TRUNCATED_UNIT_STDDEV
        return _truncated_unit_normal(shape, generator) * np.float32(stddev)

    return initialize


GLOROT_UNIFORM = variance_scaling(1.0, "fan_avg", uniform=True)


def constant(value: float) -> Initializer:
    """The same value everywhere."""

    def initialize(shape: Sequence[int], generator: np.random.Generator) -> np.ndarray:
        return np.full(tuple(shape), value, dtype=np.float32)

    return initialize
