from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from detection.input.augmentation.pending_pixels import BlackSquares, Shift, finished_pixels, settled
from detection.input.augmentation.sample import Sample

PIXELS = np.random.default_rng(4).integers(0, 256, (12, 20, 3), dtype=np.uint8)

shift = st.floats(-60, 60, width=32).map(lambda amount: ("shift", amount))
squares = st.lists(
    st.tuples(st.integers(0, 7), st.integers(0, 15), st.integers(0, 5)), min_size=1, max_size=3
).map(lambda rows: ("squares", rows))


def _sample(image: np.ndarray, changes: list[tuple[str, Any]]) -> Sample:
    pending: list[Any] = []
    for kind, value in changes:
        if kind == "shift":
            pending.append(Shift(tf.constant(value, tf.float32)))
        else:
            rows = tf.constant(value, tf.int32)
            pending.append(BlackSquares(rows[:, :2], rows[:, 2]))
    empty = tf.zeros([0])
    return Sample(tf.constant(image), tf.zeros([0, 4]), empty, empty, tuple(pending))


def _one_by_one(image: np.ndarray, changes: list[tuple[str, Any]]) -> np.ndarray:
    """Each change as the specification says it, in 0..255 and double precision."""
    image = image.astype(np.float64)
    for kind, value in changes:
        if kind == "shift":
            image = np.clip(image + value, 0, 255)
        else:
            for top, left, side in value:
                image[top : top + side, left : left + side] = 0
    return image


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.one_of(shift, squares), max_size=4),
    st.sampled_from([np.uint8, np.float32]),
    st.sampled_from([(1.0, 0.0), (2 / 255, -1.0), (0.5, -100.0)]),
)
def test_all_at_once_equals_one_by_one(
    changes: list[tuple[str, Any]], dtype: type, units: tuple[float, float]
) -> None:
    scale, offset = units
    sample = _sample(PIXELS.astype(dtype), changes)
    expected = scale * _one_by_one(PIXELS, changes) + offset
    np.testing.assert_allclose(
        finished_pixels(sample, scale, offset), expected, atol=1e-6 * 255 * scale + 1e-5
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_nothing_pending_leaves_the_sample_alone(dtype: type) -> None:
    sample = _sample(PIXELS.astype(dtype), [])
    assert settled(sample) is sample


def test_settling_empties_pending_and_leaves_the_source_image() -> None:
    sample = _sample(PIXELS, [("squares", [[0, 0, 5]]), ("shift", 10.0)])
    result = settled(sample)
    assert result.pending == () and result.image.dtype == tf.float32
    assert (result.image.numpy()[:5, :5] == 10).all()
    np.testing.assert_array_equal(sample.image, PIXELS)


def test_the_brightness_clip_is_exact() -> None:
    every_value = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    for amount in (-12.75, -0.1, 0.1, 12.75):
        result = settled(_sample(every_value, [("shift", amount)])).image.numpy()
        assert result.min() >= 0 and result.max() <= 255
        np.testing.assert_allclose(result, np.clip(every_value + amount, 0, 255), atol=3e-5)
