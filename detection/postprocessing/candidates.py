"""The best of millions of scores, in exactly the order in which non-maximum suppression takes them."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf


class Candidates(NamedTuple):
    """The first ``N`` (anchor, class) pairs of each image by falling score, then by class, then by anchor.

    Attributes:
        anchors: int32 [B, N].
        classes: int32 [B, N].
        scores: float32 [B, N].
        valid: bool [B, N]; True in front, False behind: the valid rows are exactly the beginning of the
            whole order.
        complete: bool [B], no pair above the threshold is missing.
    """

    anchors: tf.Tensor
    classes: tf.Tensor
    scores: tf.Tensor
    valid: tf.Tensor
    complete: tf.Tensor


def best_candidates(scores: tf.Tensor, count: int, threshold: float) -> Candidates:
    """Picks the best pairs without sorting all scores.

    The ``count`` best pairs belong to the ``count`` anchors with the highest maximum over the classes, so
    only these anchors' scores are sorted. Where that cut goes through equal scores, the pairs at the cut
    are left out, since some of their equals lie beyond it: what comes out is always a true beginning of the
    order.

    Args:
        scores: float32 [B, A, C], without the background.
        count: How many pairs, at most.
        threshold: Only pairs with a score above it.

    Returns:
        The pairs, N = min(count, A * C).
    """
    anchor_count, class_count = scores.shape[1], scores.shape[2]
    kept_anchors = min(count, anchor_count)
    anchor_best, anchors = tf.math.top_k(tf.reduce_max(scores, axis=-1), kept_anchors)
    # Ascending, so that position means order among equal scores.
    anchors = tf.sort(anchors, axis=-1)
    by_class = tf.transpose(tf.gather(scores, anchors, batch_dims=1), [0, 2, 1])
    pairs = min(count, class_count * kept_anchors)
    values, positions = tf.math.top_k(tf.reshape(by_class, [-1, class_count * kept_anchors]), pairs)

    all_anchors, all_pairs = kept_anchors == anchor_count, pairs == class_count * kept_anchors
    cut = values[:, :0] if all_anchors else anchor_best[:, -1:]
    lowest = tf.maximum(tf.reduce_max(cut, axis=1, keepdims=True), threshold)
    complete = tf.ones_like(anchor_best[:, 0], tf.bool)
    if not all_anchors:
        complete = tf.logical_and(complete, anchor_best[:, -1] <= threshold)
    if not all_pairs:
        complete = tf.logical_and(complete, values[:, -1] <= threshold)
    return Candidates(
        anchors=tf.gather(anchors, positions % kept_anchors, batch_dims=1),
        classes=positions // kept_anchors,
        scores=values,
        valid=values > lowest,
        complete=complete,
    )
