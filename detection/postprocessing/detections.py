"""The whole of post-processing, for all classes and images of a batch at once (OD_API_SPEC section 7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from detection.box_coding import BoxCodeScales, decode_boxes
from detection.boxes import box_areas, change_coordinate_frame, clip_to_window
from detection.postprocessing.candidates import best_candidates
from detection.postprocessing.greedy_suppression import SuppressionRule, suppress_greedily
from detection.postprocessing.row_suppression import suppress_rows
from detection.postprocessing.rule import PostprocessingRule
from detection.postprocessing.survivors import Survivors

# Candidates per wanted detection at the first try and at the second; suppression usually keeps one in ten
# or more.
_FIRST_TRY = 10
_SECOND_TRY = 100

BoxesOfAnchors = Callable[[tf.Tensor], tf.Tensor]


class Detections(NamedTuple):
    """Detections of ``B`` images, ``M`` = max_total_detections rows each, the best first, padded with zeros.

    Attributes:
        boxes_yxyx_normalized: float32 [B, M, 4].
        scores: float32 [B, M].
        classes: float32 [B, M], 0-based.
        multiclass_scores: float32 [B, M, D], all scores of the box's anchor, with the background where
            there is one.
        anchor_indices: int32 [B, M].
        count: float32 [B], number of rows that are detections.
    """

    boxes_yxyx_normalized: tf.Tensor
    scores: tf.Tensor
    classes: tf.Tensor
    multiclass_scores: tf.Tensor
    anchor_indices: tf.Tensor
    count: tf.Tensor


def postprocess(
    box_encodings: tf.Tensor,
    class_scores: tf.Tensor,
    anchors_yxyx: tf.Tensor,
    windows_yxyx_normalized: tf.Tensor,
    rule: PostprocessingRule,
    code_scales: BoxCodeScales,
) -> Detections:
    """Detections of a batch.

    Args:
        box_encodings: float32 [B, A, 4].
        class_scores: float32 [B, A, D], converted, with the background column where the model has one.
        anchors_yxyx: float32 [A, 4], normalized.
        windows_yxyx_normalized: float32 [B, 4], the true image's part of the (padded) network input.
        rule: The settings.
        code_scales: Factors of the box code.

    Returns:
        The detections.
    """

    def boxes_of(anchors: tf.Tensor) -> tf.Tensor:
        codes = tf.gather(box_encodings, anchors, batch_dims=1)
        return decode_boxes(codes, tf.gather(anchors_yxyx, anchors), code_scales)

    def every_box() -> tf.Tensor:
        return decode_boxes(box_encodings, anchors_yxyx, code_scales)

    scores = class_scores[..., 1:] if rule.has_background else class_scores
    best_classes = None
    if rule.class_agnostic:
        best_classes = tf.argmax(scores, axis=-1, output_type=tf.int32)
        scores = tf.reduce_max(scores, axis=-1, keepdims=True)
    if rule.soft_nms_sigma > 0.0:
        survivors = _over_all_anchors(scores, every_box(), rule)
        detections = _finish(survivors, boxes_of, windows_yxyx_normalized, rule)
    else:
        detections = _suppress_and_finish(scores, boxes_of, every_box, windows_yxyx_normalized, rule)
    if best_classes is not None:
        classes = tf.gather(best_classes, detections.anchor_indices, batch_dims=1)
        detections = detections._replace(classes=tf.cast(classes, tf.float32))
    return _padding_as_zeros(detections, class_scores)


def convert_scores(class_logits: tf.Tensor, rule: PostprocessingRule) -> tf.Tensor:
    """Scores from logits, both float32 [B, A, D] with the background column where the model has one."""
    scaled = class_logits if rule.logit_scale == 1.0 else class_logits / rule.logit_scale
    converters = {"IDENTITY": tf.identity, "SIGMOID": tf.sigmoid, "SOFTMAX": tf.nn.softmax}
    return converters[rule.score_converter](scaled)


def true_image_windows(true_shapes: tf.Tensor, image_size: tf.Tensor) -> tf.Tensor:
    """The true image's part of the network's input.

    Args:
        true_shapes: int32 [B, 3], height and width of each image without padding, and its channels.
        image_size: int32 [2], height and width of the network's input.

    Returns:
        float32 [B, 4] windows yxyx, normalized by the network's input.
    """
    sizes = tf.cast(true_shapes[:, :2], tf.float32) / tf.cast(image_size, tf.float32)
    return tf.concat([tf.zeros_like(sizes), sizes], axis=-1)


def _suppress_and_finish(
    scores: tf.Tensor,
    boxes_of: BoxesOfAnchors,
    every_box: Callable[[], tf.Tensor],
    windows: tf.Tensor,
    rule: PostprocessingRule,
) -> Detections:
    """Tries with few candidates, then with more, then with all: each try that suffices is exact."""

    def attempt(per_detection: int, otherwise: Callable[[], Detections]) -> Detections:
        found = best_candidates(scores, per_detection * rule.max_total_detections, rule.score_threshold)
        suppression = SuppressionRule(rule.iou_threshold, rule.limit_per_class)
        survivors = suppress_greedily(found, boxes_of(found.anchors), scores.shape[2], suppression)
        detections = _finish(survivors, boxes_of, windows, rule)
        full = detections.count >= rule.max_total_detections
        enough = tf.reduce_all(tf.logical_or(full, found.complete))
        return tf.cond(enough, lambda: detections, otherwise)

    def last_resort() -> Detections:
        return _finish(_over_all_anchors(scores, every_box(), rule), boxes_of, windows, rule)

    return attempt(_FIRST_TRY, lambda: attempt(_SECOND_TRY, last_resort))


def _over_all_anchors(scores: tf.Tensor, boxes_yxyx: tf.Tensor, rule: PostprocessingRule) -> Survivors:
    return suppress_rows(
        scores,
        boxes_yxyx,
        score_threshold=rule.score_threshold,
        iou_threshold=rule.iou_threshold,
        limit_per_class=rule.limit_per_class,
        soft_nms_sigma=rule.soft_nms_sigma,
    )


def _finish(
    survivors: Survivors, boxes_of: BoxesOfAnchors, windows: tf.Tensor, rule: PostprocessingRule
) -> Detections:
    """Clips, drops what has no area left, takes the first rows; padding rows hold anything."""
    boxes, keep = boxes_of(survivors.anchors), survivors.valid
    if rule.combined:
        boxes = _clip_outer_sides(boxes, windows)
    else:
        boxes = clip_to_window(boxes, windows)
        keep = tf.logical_and(keep, box_areas(boxes) > 0.0)
    rows = survivors.scores.shape[1]
    taken = min(rule.max_total_detections, rows)
    _, order = tf.math.top_k(tf.where(keep, tf.range(rows, 0, -1), 0), taken)
    missing = rule.max_total_detections - taken

    def chosen(tensor: tf.Tensor) -> tf.Tensor:
        picked = tf.gather(tensor, order, batch_dims=1)
        return tf.pad(picked, [[0, 0], [0, missing]] + [[0, 0]] * (len(tensor.shape) - 2))

    if rule.change_coordinate_frame:
        boxes = change_coordinate_frame(boxes, windows)
    count = tf.reduce_sum(tf.cast(keep, tf.int32), axis=-1)
    return Detections(
        boxes_yxyx_normalized=chosen(boxes),
        scores=chosen(survivors.scores),
        classes=tf.cast(chosen(survivors.classes), tf.float32),
        multiclass_scores=tf.zeros([]),
        anchor_indices=chosen(survivors.anchors),
        count=tf.cast(tf.minimum(count, taken), tf.float32),
    )


def _clip_outer_sides(boxes_yxyx: tf.Tensor, windows: tf.Tensor) -> tf.Tensor:
    """As the OD API clips after combined suppression: a box outside of the window comes out inverted."""
    low = tf.maximum(boxes_yxyx[..., :2], windows[:, None, :2])
    high = tf.minimum(boxes_yxyx[..., 2:], windows[:, None, 2:])
    return tf.concat([low, high], axis=-1)


def _padding_as_zeros(detections: Detections, class_scores: tf.Tensor) -> Detections:
    rows = tf.range(detections.scores.shape[1], dtype=tf.float32)[None]
    valid = rows < detections.count[:, None]
    zero = tf.zeros([])
    anchors = tf.where(valid, detections.anchor_indices, 0)
    multiclass_scores = tf.gather(class_scores, anchors, batch_dims=1)
    return Detections(
        boxes_yxyx_normalized=tf.where(valid[..., None], detections.boxes_yxyx_normalized, zero),
        scores=tf.where(valid, detections.scores, zero),
        classes=tf.where(valid, detections.classes, zero),
        multiclass_scores=tf.where(valid[..., None], multiclass_scores, zero),
        anchor_indices=anchors,
        count=detections.count,
    )
