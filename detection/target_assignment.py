"""What each anchor is trained to predict, for a whole batch at once (OD_API_SPEC section 5).

Only a few of the tens of thousands of anchors are matched. So the targets are kept for the matched anchors
alone: all others share one class target and have no box target. ``dense_targets`` spreads them over all
anchors, as the OD API keeps them, for whoever wants to look.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from detection.box_coding import CODE_SIZE, BoxCodeScales, encode_boxes
from detection.config import pipeline_pb2 as pb
from detection.groundtruth import Groundtruth
from detection.matching import UNMATCHED, MatchingRule, match_anchors


class TargetRule(NamedTuple):
    """Settings of the assignment besides the matcher's.

    Attributes:
        code_scales: Factors of the box code.
        add_background_class: Class vectors have a background column in front.
        encode_background_as_zeros: Unmatched anchors have a class target of zeros; otherwise a 1 in column 0.
        negative_class_weight: Weight of the class loss at unmatched anchors.
    """

    code_scales: BoxCodeScales = BoxCodeScales()
    add_background_class: bool = True
    encode_background_as_zeros: bool = True
    negative_class_weight: float = 1.0


class Targets(NamedTuple):
    """Targets of one batch of ``B`` images with ``A`` anchors, ``M`` of which are matched in all.

    Attributes:
        matches: int32 [B, A], row of the groundtruth, ``UNMATCHED`` or ``IGNORED``.
        matched_at: int64 [M, 2], (image, anchor) of each matched anchor.
        matched_codes: float32 [M, 4], the encoded boxes.
        matched_classes: float32 [M, D], class targets; D = C + 1 with a background column, else C.
        matched_weights: float32 [M], the weights of the groundtruth boxes.
        unmatched_class: float32 [D], the class target of every anchor that is not matched.
        unmatched_weights: float32 [B, A], class weight of the anchors that are not matched; 0 at matched
            ones.
    """

    matches: tf.Tensor
    matched_at: tf.Tensor
    matched_codes: tf.Tensor
    matched_classes: tf.Tensor
    matched_weights: tf.Tensor
    unmatched_class: tf.Tensor
    unmatched_weights: tf.Tensor


class DenseTargets(NamedTuple):
    """The same targets at every anchor, in the OD API's layout.

    Attributes:
        class_targets: float32 [B, A, D].
        class_weights: float32 [B, A], the same for every column.
        box_targets: float32 [B, A, 4], zeros where not matched.
        box_weights: float32 [B, A], 0 where not matched.
    """

    class_targets: tf.Tensor
    class_weights: tf.Tensor
    box_targets: tf.Tensor
    box_weights: tf.Tensor


def target_rule(ssd: pb.Ssd) -> TargetRule:
    """The settings in ``model.ssd``."""
    coder = ssd.box_coder.faster_rcnn_box_coder
    return TargetRule(
        code_scales=BoxCodeScales(coder.y_scale, coder.x_scale, coder.height_scale, coder.width_scale),
        add_background_class=ssd.add_background_class,
        encode_background_as_zeros=ssd.encode_background_as_zeros,
        negative_class_weight=ssd.negative_class_weight,
    )


def assign_targets(
    groundtruth: Groundtruth, anchors_yxyx: tf.Tensor, matching: MatchingRule, rule: TargetRule
) -> Targets:
    """Matches the anchors of each image to its groundtruth and makes their targets.

    Args:
        groundtruth: Boxes of the batch, padded to any number of rows.
        anchors_yxyx: float32 [A, 4], normalized like the groundtruth.
        matching: The matcher's settings.
        rule: The other settings.

    Returns:
        Targets of the batch. No gradient flows through them.
    """
    groundtruth = _without_common_padding(groundtruth)
    boxes = tf.cast(groundtruth.boxes_yxyx_normalized, tf.float32)
    weights = tf.cast(groundtruth.weights, tf.float32)
    classes = tf.cast(groundtruth.classes_one_hot, tf.float32)
    matches = match_anchors(boxes, weights, anchors_yxyx, matching)

    matched_at = tf.where(matches >= 0)
    rows = tf.cast(tf.gather_nd(matches, matched_at), tf.int64)
    row_at = tf.stack([matched_at[:, 0], rows], axis=-1)
    matched_classes = tf.gather_nd(classes, row_at)
    if rule.add_background_class:
        matched_classes = tf.pad(matched_classes, [[0, 0], [1, 0]])
    return Targets(
        matches=matches,
        matched_at=matched_at,
        matched_codes=encode_boxes(
            tf.gather_nd(boxes, row_at), tf.gather(anchors_yxyx, matched_at[:, 1]), rule.code_scales
        ),
        matched_classes=matched_classes,
        matched_weights=tf.gather_nd(weights, row_at),
        unmatched_class=_unmatched_class(tf.shape(matched_classes)[1], rule),
        unmatched_weights=tf.where(matches == UNMATCHED, rule.negative_class_weight, 0.0),
    )


def dense_targets(targets: Targets) -> DenseTargets:
    """Spreads the targets over all anchors."""
    batch_anchors = tf.shape(targets.matches, out_type=tf.int64)
    at = targets.matched_at
    everywhere = tf.tile(targets.unmatched_class[None, None], tf.concat([batch_anchors, [1]], axis=0))
    box_weights = tf.scatter_nd(at, targets.matched_weights, batch_anchors)
    return DenseTargets(
        class_targets=tf.tensor_scatter_nd_update(everywhere, at, targets.matched_classes),
        class_weights=targets.unmatched_weights + box_weights,
        box_targets=tf.scatter_nd(at, targets.matched_codes, tf.concat([batch_anchors, [CODE_SIZE]], axis=0)),
        box_weights=box_weights,
    )


def _without_common_padding(groundtruth: Groundtruth) -> Groundtruth:
    """Drops the rows that are padding in every image of the batch: matching costs time for each row.

    One row stays where there is any, so that thresholds act on images without boxes as on all others.
    """
    boxes = groundtruth.boxes_yxyx_normalized
    used = tf.logical_or(groundtruth.weights != 0.0, tf.reduce_any(boxes != 0.0, axis=-1))
    last_used = tf.reduce_max(tf.where(used, tf.range(1, tf.shape(boxes)[1] + 1), 1))
    rows = tf.minimum(last_used, tf.shape(boxes)[1])
    return Groundtruth(
        boxes_yxyx_normalized=boxes[:, :rows],
        classes_one_hot=groundtruth.classes_one_hot[:, :rows],
        weights=groundtruth.weights[:, :rows],
    )


def _unmatched_class(depth: tf.Tensor, rule: TargetRule) -> tf.Tensor:
    if rule.encode_background_as_zeros:
        return tf.zeros([depth])
    return tf.one_hot(0, depth)
