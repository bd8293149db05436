"""Squares that hide parts of the image (OD_API_SPEC section 10)."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from detection.errors import ConfigError
from detection.input.augmentation.pending_pixels import BlackSquares
from detection.input.augmentation.randomness import uniform
from detection.input.augmentation.sample import Sample, Step, height_and_width


def random_black_patches(options: Any) -> Step:
    """Blackens up to ``max_black_patches`` squares, each with ``probability``; boxes stay as they are.

    A square's side is int(min(H, W) * size_to_image_ratio); top and left are int(U(0, 1 - ratio) * H) and the
    same with W. Only the squares are written, not the image once per square.

    Raises:
        ConfigError: ``size_to_image_ratio`` is not within 0..1.
    """
    count, ratio = options.max_black_patches, options.size_to_image_ratio
    if not 0.0 <= ratio <= 1.0:
        raise ConfigError(
            "A black patch cannot be larger than the image.",
            field="train_config.data_augmentation_options.random_black_patches.size_to_image_ratio",
            found=ratio,
            expected="0 to 1",
        )

    def step(sample: Sample, seed: Any) -> Sample:
        if count <= 0:
            return sample
        height, width = height_and_width(sample.image)
        extent = tf.cast(tf.stack([height, width]), tf.float32)
        draws = uniform(seed, [count, 3])
        corners = tf.cast(draws[:, :2] * (1.0 - ratio) * extent, tf.int32)
        side = tf.cast(tf.reduce_min(extent) * ratio, tf.int32)
        squares = BlackSquares(corners, tf.where(draws[:, 2] < options.probability, side, 0))
        return sample._replace(pending=(*sample.pending, squares))

    return step
