"""The Faster R-CNN box code: a box relative to an anchor (OD_API_SPEC section 5).

From "Faster R-CNN", Ren et al. 2015, arXiv:1506.01497.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

CODE_SIZE = 4
_EPSILON = 1e-8  # keeps boxes without area encodable


class BoxCodeScales(NamedTuple):
    """Factors of the four codes ``[ty, tx, th, tw]``; the defaults are the proto's."""

    y: float = 10.0
    x: float = 10.0
    height: float = 5.0
    width: float = 5.0


def encode_boxes(boxes_yxyx: tf.Tensor, anchors_yxyx: tf.Tensor, scales: BoxCodeScales) -> tf.Tensor:
    """Encodes boxes relative to anchors.

    Args:
        boxes_yxyx: float32 [..., 4].
        anchors_yxyx: float32 [..., 4], the same unit, broadcastable against the boxes.
        scales: Factors of the codes.

    Returns:
        float32 [..., 4] codes ``[ty, tx, th, tw]``. A box without area has a very negative ``th`` or ``tw``.
    """
    ycenter, xcenter, height, width = _center_size(boxes_yxyx)
    ycenter_a, xcenter_a, height_a, width_a = _center_size(anchors_yxyx)
    height, width = height + _EPSILON, width + _EPSILON
    height_a, width_a = height_a + _EPSILON, width_a + _EPSILON
    return tf.stack(
        [
            (ycenter - ycenter_a) / height_a * scales.y,
            (xcenter - xcenter_a) / width_a * scales.x,
            tf.math.log(height / height_a) * scales.height,
            tf.math.log(width / width_a) * scales.width,
        ],
        axis=-1,
    )


def decode_boxes(codes: tf.Tensor, anchors_yxyx: tf.Tensor, scales: BoxCodeScales) -> tf.Tensor:
    """Decodes codes relative to anchors, without clipping.

    Args:
        codes: float32 [..., 4] as ``encode_boxes`` returns them.
        anchors_yxyx: float32 [..., 4], broadcastable against the codes.
        scales: Factors of the codes.

    Returns:
        float32 [..., 4] boxes ``[ymin, xmin, ymax, xmax]`` in the anchors' unit.
    """
    ty, tx, th, tw = tf.unstack(codes, axis=-1)
    ycenter_a, xcenter_a, height_a, width_a = _center_size(anchors_yxyx)
    half_height = tf.exp(th / scales.height) * height_a / 2.0
    half_width = tf.exp(tw / scales.width) * width_a / 2.0
    ycenter = ty / scales.y * height_a + ycenter_a
    xcenter = tx / scales.x * width_a + xcenter_a
    return tf.stack(
        [ycenter - half_height, xcenter - half_width, ycenter + half_height, xcenter + half_width], axis=-1
    )


def _center_size(boxes_yxyx: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    ymin, xmin, ymax, xmax = tf.unstack(boxes_yxyx, axis=-1)
    height, width = ymax - ymin, xmax - xmin
    return ymin + height / 2.0, xmin + width / 2.0, height, width
