"""Suppression of each image and class for itself over all anchors: soft suppression, and the last resort.

Slower than ``greedy_suppression``: it queues every anchor of every class. It serves where the best pairs do
not decide (soft suppression changes scores on the way), or where they were too few.
"""

from __future__ import annotations

import tensorflow as tf

from detection.postprocessing.survivors import Survivors


def suppress_rows(
    scores: tf.Tensor,
    boxes_yxyx: tf.Tensor,
    *,
    score_threshold: float,
    iou_threshold: float,
    limit_per_class: int,
    soft_nms_sigma: float,
) -> Survivors:
    """Suppression by ``NonMaxSuppressionV5`` for each (image, class).

    Args:
        scores: float32 [B, A, C], without the background.
        boxes_yxyx: float32 [B, A, 4], not clipped.
        score_threshold: Only scores above it.
        iou_threshold: Suppress above this IoU.
        limit_per_class: Kept boxes per class and image, at most.
        soft_nms_sigma: 0 for hard suppression.

    Returns:
        The survivors, S = C * limit_per_class; with soft suppression their scores are the lowered ones.
    """
    class_count = scores.shape[2]
    rows = tf.reshape(tf.transpose(scores, [0, 2, 1]), [-1, scores.shape[1]])
    images = tf.range(tf.shape(rows)[0]) // class_count

    def one_row(row: tuple[tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        anchors, kept_scores, kept = tf.raw_ops.NonMaxSuppressionV5(
            boxes=boxes_yxyx[row[0]],
            scores=row[1],
            max_output_size=limit_per_class,
            iou_threshold=iou_threshold,
            score_threshold=score_threshold,
            soft_nms_sigma=soft_nms_sigma,
            pad_to_max_output_size=True,
        )
        return anchors, kept_scores, kept

    vector = [limit_per_class]
    anchors, kept_scores, kept = tf.map_fn(
        one_row,
        (images, rows),
        fn_output_signature=(
            tf.TensorSpec(vector, tf.int32),
            tf.TensorSpec(vector, tf.float32),
            tf.TensorSpec([], tf.int32),
        ),
    )
    valid = tf.range(limit_per_class)[None] < kept[:, None]
    classes = tf.broadcast_to((tf.range(tf.shape(rows)[0]) % class_count)[:, None], tf.shape(anchors))
    return _merged(anchors, classes, kept_scores, valid, class_count * limit_per_class)


def _merged(
    anchors: tf.Tensor, classes: tf.Tensor, scores: tf.Tensor, valid: tf.Tensor, per_image: int
) -> Survivors:
    """Class after class of each image, then sorted by score; ``top_k`` keeps the order of equals."""
    anchors, classes, scores, valid = (
        tf.reshape(tensor, [-1, per_image]) for tensor in (anchors, classes, scores, valid)
    )
    _, order = tf.math.top_k(tf.where(valid, scores, -float("inf")), per_image)
    return Survivors(
        *(tf.gather(tensor, order, batch_dims=1) for tensor in (anchors, classes, scores, valid))
    )
