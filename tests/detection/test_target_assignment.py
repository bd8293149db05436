from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from detection.box_coding import BoxCodeScales, encode_boxes
from detection.groundtruth import Groundtruth
from detection.matching import MatchingRule
from detection.target_assignment import TargetRule, assign_targets, dense_targets

ANCHORS = np.array(
    [[0, 0, 0.5, 0.5], [0, 0.5, 0.5, 1], [0.5, 0, 1, 0.5], [0.5, 0.5, 1, 1], [0, 0, 1, 1]], np.float32
)
MATCHING = MatchingRule(unmatched_threshold=0.4, force_match_for_each_row=True)


def groundtruth(*images: list[tuple], rows: int = 4, classes: int = 2) -> Groundtruth:
    """Images as lists of (box, class, weight), padded with zeros."""
    boxes = np.zeros((len(images), rows, 4), np.float32)
    one_hot = np.zeros((len(images), rows, classes), np.float32)
    weights = np.zeros((len(images), rows), np.float32)
    for image, entries in enumerate(images):
        for row, (box, label, weight) in enumerate(entries):
            boxes[image, row], weights[image, row] = box, weight
            one_hot[image, row, label] = 1.0
    return Groundtruth(tf.constant(boxes), tf.constant(one_hot), tf.constant(weights))


def assign(boxes: Groundtruth, matching: MatchingRule = MATCHING, rule: TargetRule | None = None):
    targets = assign_targets(boxes, tf.constant(ANCHORS), matching, rule or TargetRule())
    return targets, dense_targets(targets)


def test_matched_ignored_and_negative_anchors():
    # IoU with anchor 0: 0.8, with anchor 4: 0.2; the second box overlaps anchor 3 by 0.45 (ignored), and is
    # not forced on it because its weight is 0.
    boxes = groundtruth([([0, 0, 0.4, 0.5], 1, 0.5), ([0.5, 0.5, 0.725, 1], 0, 0.0)], [])
    targets, dense = assign(boxes)
    assert targets.matches.numpy().tolist() == [[0, -1, -1, -2, -1], [-1] * 5]
    np.testing.assert_array_equal(dense.class_weights, [[0.5, 1, 1, 0, 1], [1] * 5])
    np.testing.assert_array_equal(dense.box_weights, [[0.5, 0, 0, 0, 0], [0] * 5])
    np.testing.assert_array_equal(dense.class_targets[0, 0], [0, 0, 1])
    assert not dense.class_targets.numpy()[:, 1:].any()
    expected = encode_boxes(boxes.boxes_yxyx_normalized[0, 0], ANCHORS[0], BoxCodeScales())
    np.testing.assert_array_equal(dense.box_targets[0, 0], expected)
    assert not dense.box_targets.numpy()[:, 1:].any()


@pytest.mark.parametrize(
    ("rule", "unmatched", "matched"),
    [
        (TargetRule(), [0, 0, 0], [0, 1, 0]),
        (TargetRule(encode_background_as_zeros=False), [1, 0, 0], [0, 1, 0]),
        (TargetRule(add_background_class=False), [0, 0], [1, 0]),
        (TargetRule(add_background_class=False, encode_background_as_zeros=False), [1, 0], [1, 0]),
    ],
)
def test_background_columns(rule, unmatched, matched):
    _, dense = assign(groundtruth([([0, 0, 0.5, 0.5], 0, 1.0)]), rule=rule)
    np.testing.assert_array_equal(dense.class_targets[0, 0], matched)
    np.testing.assert_array_equal(dense.class_targets[0, 1], unmatched)


def test_negative_class_weight():
    _, dense = assign(groundtruth([([0, 0, 0.5, 0.5], 0, 1.0)]), rule=TargetRule(negative_class_weight=0.25))
    np.testing.assert_array_equal(dense.class_weights, [[1, 0.25, 0.25, 0.25, 0.25]])


def test_a_box_without_area_is_matched_only_as_the_od_api_does():
    boxes = groundtruth([([0.7, 0.7, 0.7, 0.9], 1, 1.0)])
    ours, _ = assign(boxes)
    assert (ours.matches.numpy() == -1).all()
    theirs, dense = assign(boxes, MATCHING._replace(force_match_without_overlap=True))
    assert theirs.matches.numpy().tolist() == [[0, -1, -1, -1, -1]]
    assert np.isfinite(dense.box_targets).all()


def test_padding_changes_nothing():
    entries = [([0, 0, 0.4, 0.5], 1, 0.5), ([0.5, 0.5, 1, 1], 0, 1.0)]
    _, few = assign(groundtruth(entries, [], rows=2))
    _, many = assign(groundtruth(entries, [], rows=50))
    for one, other in zip(few, many, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("rows", [0, 3])
def test_a_batch_without_boxes_is_all_background(rows):
    targets, dense = assign(groundtruth([], [], rows=rows))
    assert (targets.matches.numpy() == -1).all() and targets.matched_at.shape == (0, 2)
    assert not dense.class_targets.numpy().any() and not dense.box_weights.numpy().any()


def test_a_box_of_an_unknown_class_trains_as_background_at_its_place():
    boxes = groundtruth([([0, 0, 0.5, 0.5], 0, 1.0)])
    boxes = boxes._replace(classes_one_hot=tf.zeros_like(boxes.classes_one_hot))
    _, dense = assign(boxes)
    assert dense.box_weights.numpy()[0, 0] == 1.0 and not dense.class_targets.numpy().any()
