"""Upsampling, padding and the order of the pyramid."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from detection.network.convolutions import pad_explicitly
from detection.network.feature_pyramid import upsample_twice

sizes = st.integers(1, 5)


@settings(deadline=None, max_examples=25)
@given(sizes, sizes, sizes, sizes)
def test_upsampling_repeats_every_pixel(batch: int, height: int, width: int, channels: int) -> None:
    x = np.random.default_rng(0).normal(size=(batch, height, width, channels)).astype(np.float32)
    np.testing.assert_array_equal(upsample_twice(tf.constant(x)), x.repeat(2, 1).repeat(2, 2))


def test_upsampling_of_unknown_size_and_its_gradient() -> None:
    signature = [tf.TensorSpec([None, None, None, 3], tf.float32)]

    @tf.function(input_signature=signature)
    def gradient(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = upsample_twice(x)
            total = tf.reduce_sum(y * y)
        return y, tape.gradient(total, x)

    x = np.random.default_rng(0).normal(size=(2, 3, 4, 3)).astype(np.float32)
    y, dx = gradient(x)
    np.testing.assert_array_equal(y, x.repeat(2, 1).repeat(2, 2))
    np.testing.assert_allclose(dx, 4 * 2 * x, rtol=1e-6)


def test_explicit_padding_puts_the_odd_pixel_behind() -> None:
    ones = tf.ones([1, 2, 2, 1])
    assert pad_explicitly(ones, 3).shape == [1, 4, 4, 1]
    padded = pad_explicitly(ones, 4)[0, :, 0, 0], pad_explicitly(ones, 4)[0, :, 1, 0]
    assert padded[1].numpy().tolist() == [0, 1, 1, 0, 0]
