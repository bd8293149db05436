"""Geometry of boxes, written for batches and for TensorFlow graphs.

Boxes are ``[ymin, xmin, ymax, xmax]``; "normalized" means divided by the height and width of the image.
"""

from __future__ import annotations

import tensorflow as tf


def box_areas(boxes_yxyx: tf.Tensor) -> tf.Tensor:
    """Areas of boxes.

    Args:
        boxes_yxyx: float [..., 4], any unit.

    Returns:
        float [...], the square of that unit; negative for a box inverted on one axis.
    """
    ymin, xmin, ymax, xmax = tf.unstack(boxes_yxyx, axis=-1)
    return (ymax - ymin) * (xmax - xmin)


def pairwise_iou(boxes_yxyx: tf.Tensor, other_boxes_yxyx: tf.Tensor) -> tf.Tensor:
    """Intersection over union of every box with every other box (OD_API_SPEC section 5).

    Args:
        boxes_yxyx: float [..., N, 4].
        other_boxes_yxyx: float [..., M, 4], the same unit; leading dimensions broadcast.

    Returns:
        float [..., N, M] in 0..1, exactly 0 where the intersection is 0 (also for boxes without area).
    """
    ymin, xmin, ymax, xmax = (side[..., :, None] for side in tf.unstack(boxes_yxyx, axis=-1))
    other_ymin, other_xmin, other_ymax, other_xmax = (
        side[..., None, :] for side in tf.unstack(other_boxes_yxyx, axis=-1)
    )
    height = tf.maximum(tf.minimum(ymax, other_ymax) - tf.maximum(ymin, other_ymin), 0.0)
    width = tf.maximum(tf.minimum(xmax, other_xmax) - tf.maximum(xmin, other_xmin), 0.0)
    intersection = height * width
    union = box_areas(boxes_yxyx)[..., :, None] + box_areas(other_boxes_yxyx)[..., None, :] - intersection
    return tf.math.divide_no_nan(intersection, union)


def clip_to_window(boxes_yxyx: tf.Tensor, windows_yxyx: tf.Tensor) -> tf.Tensor:
    """Clips the boxes of each image to the image's window.

    Args:
        boxes_yxyx: float [B, N, 4].
        windows_yxyx: float [B, 4], the same unit.

    Returns:
        float [B, N, 4]; a box outside its window becomes one without area on the window's border.
    """
    low = tf.tile(windows_yxyx[:, None, 0:2], [1, 1, 2])
    high = tf.tile(windows_yxyx[:, None, 2:4], [1, 1, 2])
    return tf.maximum(tf.minimum(boxes_yxyx, high), low)


def change_coordinate_frame(boxes_yxyx: tf.Tensor, windows_yxyx: tf.Tensor) -> tf.Tensor:
    """Expresses the boxes of each image relative to the image's window, so that the window is 0..1.

    Args:
        boxes_yxyx: float [B, N, 4].
        windows_yxyx: float [B, 4], the same unit.

    Returns:
        float [B, N, 4], normalized by the window.
    """
    origin = tf.tile(windows_yxyx[:, None, 0:2], [1, 1, 2])
    size = tf.tile(windows_yxyx[:, None, 2:4] - windows_yxyx[:, None, 0:2], [1, 1, 2])
    return (boxes_yxyx - origin) / size
