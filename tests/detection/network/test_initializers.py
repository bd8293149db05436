"""Starting values: spread, cut, and independence of seeds and names."""

from __future__ import annotations

import numpy as np
import pytest

from detection.network.initializers import (
    GLOROT_UNIFORM,
    random_normal,
    truncated_normal,
    variance_scaling,
)
from detection.network.variables import VariableFactory

SHAPE = (3, 3, 128, 256)


def draw(initializer, shape=SHAPE) -> np.ndarray:
    return initializer(shape, np.random.default_rng(1))


def test_truncated_normal_is_cut_and_not_rescaled() -> None:
    values = draw(truncated_normal(1.0, 0.5))
    assert np.abs(values - 1.0).max() <= 1.0 + 1e-6
    assert values.std() == pytest.approx(0.5 * 0.8796, rel=0.01)


def test_random_normal_is_not_cut() -> None:
    values = draw(random_normal(0.0, 0.5))
    assert values.std() == pytest.approx(0.5, rel=0.01) and np.abs(values).max() > 1.5


@pytest.mark.parametrize(("mode", "fan"), [("fan_in", 9 * 128), ("fan_out", 9 * 256), ("fan_avg", 9 * 192)])
@pytest.mark.parametrize("uniform", [True, False])
def test_variance_scaling_has_the_nominal_variance(mode: str, fan: int, uniform: bool) -> None:
    values = draw(variance_scaling(2.0, mode, uniform))
    assert values.dtype == np.float32
    assert values.var() == pytest.approx(2.0 / fan, rel=0.02)


def test_glorot_uniform_limit() -> None:
    limit = np.sqrt(6.0 / (9 * 128 + 9 * 256))
    assert limit * 0.999 < np.abs(draw(GLOROT_UNIFORM)).max() <= limit


def test_seed_and_name_decide_the_values() -> None:
    def kernel(seed: int, name: str) -> np.ndarray:
        return VariableFactory(seed).weight(name, (4, 4), random_normal(0.0, 1.0)).numpy()

    np.testing.assert_array_equal(kernel(1, "a/kernel"), kernel(1, "a/kernel"))
    assert not np.array_equal(kernel(1, "a/kernel"), kernel(2, "a/kernel"))
    assert not np.array_equal(kernel(1, "a/kernel"), kernel(1, "b/kernel"))
