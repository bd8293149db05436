"""Brightness and black squares, computed in one go with the normalisation.

Each pass over a float32 image costs a fifth of decoding it. Changing the brightness and normalising are both
``a * x + b``, so from uint8 they are one pass, and one more clips. Black squares are then only the pixels of
the squares. So these steps note what they decided (``Sample.pending``), and the pixels are computed once, at
the end.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from detection.input.augmentation.sample import Sample


class Shift(NamedTuple):
    """Adds ``amount`` (scalar float32, in units of 0..255) to every value and clips to 0..255."""

    amount: Any


class BlackSquares(NamedTuple):
    """Sets squares to 0.

    Attributes:
        corners: ``[K, 2]`` int32 with static K, top and left in pixels; all squares lie within the image.
        sides: ``[K]`` int32, pixels; 0 for no square.
    """

    corners: Any
    sides: Any


def settled(sample: Sample) -> Sample:
    """The sample with its pending changes computed, in 0..255 (float32 where there were any)."""
    if not sample.pending:
        return sample
    return sample._replace(image=finished_pixels(sample, 1.0, 0.0), pending=())


def finished_pixels(sample: Sample, scale: float, offset: float) -> Any:
    """``scale * x + offset`` of the image ``x`` after its pending changes.

    Args:
        sample: Its image is uint8 or float32, ``[H, W, 3]``.
        scale: Above 0.
        offset: What a black pixel becomes.

    Returns:
        ``[H, W, 3]`` float32; the same as computing each change on 0..255 first, up to rounding.
    """
    pending = list(sample.pending)
    shift = pending.pop(0).amount if pending and isinstance(pending[0], Shift) else None
    image = _affine(sample.image, scale, offset if shift is None else offset + scale * shift)
    if shift is not None:
        image = _clipped(image, scale, offset)
    for change in pending:
        if isinstance(change, Shift):
            image = _clipped(image + scale * change.amount, scale, offset)
        else:
            image = _with_squares(image, change, offset)
    return image


def _affine(image: Any, scale: float, offset: Any) -> Any:
    if image.dtype == tf.uint8:
        # For 8 bits this op computes minimum + x * (maximum - minimum) / 255, the cast included, in one pass.
        return tf.raw_ops.Dequantize(
            input=tf.bitcast(image, tf.quint8),
            min_range=tf.convert_to_tensor(offset, tf.float32),
            max_range=offset + tf.constant(255.0 * scale, tf.float32),
            mode="MIN_COMBINED",
        )
    is_unchanged = isinstance(offset, float) and (scale, offset) == (1.0, 0.0)
    return image if is_unchanged else image * scale + offset


def _clipped(image: Any, scale: float, offset: float) -> Any:
    return tf.raw_ops.ClipByValue(t=image, clip_value_min=offset, clip_value_max=offset + 255.0 * scale)


def _with_squares(image: Any, squares: BlackSquares, value: float) -> Any:
    # As rows of W * 3 values: this op takes half the time with two dimensions.
    shape = tf.shape(image)
    rows = tf.reshape(image, [shape[0], shape[1] * 3])
    sizes = squares.sides[:, tf.newaxis] * [1, 3]
    begins = squares.corners * [1, 3]
    for begin, end, size in zip(*map(tf.unstack, (begins, begins + sizes, sizes)), strict=True):
        # Written in place: TensorFlow copies the image only where something else still holds it.
        rows = tf.raw_ops.TensorStridedSliceUpdate(
            input=rows,
            begin=begin,
            end=end,
            strides=[1, 1],
            value=tf.fill(size, tf.constant(value, image.dtype)),
        )
    return tf.ensure_shape(tf.reshape(rows, shape), image.shape)
