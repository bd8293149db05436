"""Greedy non-maximum suppression of all classes and images in one operation.

Suppressing class by class and merging by score is the same as going through all (anchor, class) pairs by
falling score and dropping each that overlaps a kept one of its own class. So the first detections follow
from the first pairs alone, however many there are behind them.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from detection.postprocessing.candidates import Candidates
from detection.postprocessing.survivors import Survivors


class SuppressionRule(NamedTuple):
    """When a box suppresses another of its class.

    Attributes:
        iou_threshold: Above this IoU.
        limit_per_class: Kept boxes per class and image, at most.
    """

    iou_threshold: float
    limit_per_class: int


def suppress_greedily(
    candidates: Candidates, boxes_yxyx: tf.Tensor, class_count: int, rule: SuppressionRule
) -> Survivors:
    """Suppression within the candidates, in their order.

    Args:
        candidates: N pairs of each image in the order of suppression.
        boxes_yxyx: float32 [B, N, 4], the candidates' boxes, not clipped.
        class_count: Number of classes.
        rule: When to suppress.

    Returns:
        The survivors in the candidates' order; S = N.
    """
    count = candidates.scores.shape[1]
    # The operation leaves open which of two equal scores goes first, so it is given the rank instead of the
    # score: whole numbers up to 2^24 are exact in float32.
    ranks = tf.range(count, 0, -1, dtype=tf.float32)
    rank_scores = tf.where(candidates.valid, ranks, 0.0)
    own_class = tf.one_hot(candidates.classes, class_count, dtype=tf.float32)
    _, kept_ranks, _, _ = tf.raw_ops.CombinedNonMaxSuppression(
        boxes=boxes_yxyx[:, :, None, :],
        scores=own_class * rank_scores[:, :, None],
        max_output_size_per_class=min(rule.limit_per_class, count),
        max_total_size=count,
        iou_threshold=rule.iou_threshold,
        score_threshold=0.0,
        pad_per_class=False,
        clip_boxes=False,
    )
    kept_ranks = tf.ensure_shape(kept_ranks, [None, count])
    valid = kept_ranks > 0.0
    positions = tf.where(valid, count - tf.cast(kept_ranks, tf.int32), 0)
    return Survivors(
        anchors=tf.gather(candidates.anchors, positions, batch_dims=1),
        classes=tf.gather(candidates.classes, positions, batch_dims=1),
        scores=tf.gather(candidates.scores, positions, batch_dims=1),
        valid=valid,
    )
