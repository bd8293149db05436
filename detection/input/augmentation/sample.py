"""What an augmentation step takes and gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf


class Sample(NamedTuple):
    """One image with its objects, at the image's original size.

    Attributes:
        image: ``[H, W, 3]`` uint8 or float32, RGB values 0..255. Steps keep uint8 as long as they can: it is
            a quarter of the memory traffic.
        boxes_yxyx_normalized: ``[N, 4]`` float32.
        labels: ``[N]`` int64.
        weights: ``[N]`` float32.
        pending: Changes of pixel values that are decided but not yet computed, first to last;
            ``pending_pixels`` computes them. Every step but those that add to it finds it empty.
    """

    image: Any
    boxes_yxyx_normalized: Any
    labels: Any
    weights: Any
    pending: tuple[Any, ...] = ()


#: A step with its options bound: (sample, seed [2] int64) -> sample. The same seed gives the same result.
Step = Callable[[Sample, Any], Sample]


def as_float(image: Any) -> Any:
    """The image as float32, values unchanged."""
    return tf.cast(image, tf.float32)


def clip_to_pixel_range(image: Any) -> Any:
    """``image`` float32 clipped to 0..255, in one pass."""
    return tf.raw_ops.ClipByValue(t=image, clip_value_min=0.0, clip_value_max=255.0)


def height_and_width(image: Any) -> tuple[Any, Any]:
    """Height and width as int32 scalars."""
    shape = tf.shape(image)
    return shape[0], shape[1]


def keep_objects(sample: Sample, kept: Any) -> Sample:
    """Drops the objects where ``kept`` ``[N]`` bool is False."""
    return sample._replace(
        boxes_yxyx_normalized=tf.boolean_mask(sample.boxes_yxyx_normalized, kept),
        labels=tf.boolean_mask(sample.labels, kept),
        weights=tf.boolean_mask(sample.weights, kept),
    )


def choose(condition: Any, changed: Callable[[], Sample], sample: Sample) -> Sample:
    """``changed()`` where the scalar ``condition`` holds, else ``sample``; only the one needed is computed.

    Where ``changed`` makes the image float32, the other becomes float32 too.
    """
    dtype: list[Any] = []

    def other() -> tuple[Any, ...]:
        return tf.cast(sample.image, dtype[0]), *sample[1:4]

    def one() -> tuple[Any, ...]:
        result = changed()
        dtype.append(result.image.dtype)
        return result[:4]

    # tf.cond traces the true branch first, so its dtype is known when the other is traced.
    chosen = Sample(*tf.cond(condition, one, other))
    chosen.image.set_shape([None, None, 3])
    return chosen
