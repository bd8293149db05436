from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from detection.boxes import pairwise_iou
from detection.config import pipeline_pb2 as pb
from detection.errors import ConfigError
from detection.matching import MatchingRule, match_anchors, matching_rule


def slow_match(similarity: np.ndarray, weights: np.ndarray, rule: MatchingRule) -> np.ndarray:
    """OD_API_SPEC section 5, anchor by anchor and row by row."""
    rows, anchors = similarity.shape
    if rows == 0:
        return np.full(anchors, -1)
    codes = np.zeros(anchors, int)
    for anchor in range(anchors):
        row = int(np.argmax(similarity[:, anchor]))
        value = similarity[row, anchor]
        codes[anchor] = row
        if not rule.ignore_thresholds:
            below, between = (-1, -2) if rule.negatives_lower_than_unmatched else (-2, -1)
            if value < rule.unmatched_threshold:
                codes[anchor] = below
            elif value < rule.matched_threshold:
                codes[anchor] = between
    if rule.force_match_for_each_row:
        for row in reversed(range(rows)):  # the lowest row writes last
            overlaps = similarity[row].max() > 0
            if weights[row] > 0 and (overlaps or rule.force_match_without_overlap):
                codes[int(np.argmax(similarity[row]))] = row
    return codes


@st.composite
def scenes(draw):
    """Boxes and anchors on a coarse grid, so that equal IoUs, equal boxes and boxes without area are common."""

    def some(count: int) -> np.ndarray:
        ends = draw(st.lists(st.integers(0, 4), min_size=4 * count, max_size=4 * count))
        corners = np.sort(np.array(ends, np.float32).reshape(count, 2, 2), axis=1) / 4
        return corners.reshape(count, 4)

    batch, rows, anchors = draw(st.integers(1, 3)), draw(st.integers(0, 5)), draw(st.integers(1, 9))
    weights = st.lists(st.sampled_from([0.0, 0.3, 1.0]), min_size=rows, max_size=rows)
    return (
        np.stack([some(rows) for _ in range(batch)]),
        np.array([draw(weights) for _ in range(batch)], np.float32).reshape(batch, rows),
        some(anchors),
    )


rules = st.builds(
    MatchingRule,
    matched_threshold=st.just(0.5),
    unmatched_threshold=st.sampled_from([0.3, 0.5]),
    ignore_thresholds=st.booleans(),
    negatives_lower_than_unmatched=st.booleans(),
    force_match_for_each_row=st.booleans(),
    force_match_without_overlap=st.booleans(),
)


@settings(max_examples=150, deadline=None)
@given(scene=scenes(), rule=rules)
def test_equals_the_slow_matcher_with_ties_and_empty_boxes(scene, rule):
    boxes, weights, anchors = scene
    found = match_anchors(tf.constant(boxes), tf.constant(weights), tf.constant(anchors), rule)
    for image in range(len(boxes)):
        similarity = pairwise_iou(boxes[image], anchors).numpy()
        np.testing.assert_array_equal(found[image], slow_match(similarity, weights[image], rule))


def test_many_anchors_and_boxes_in_a_graph():
    rng = np.random.default_rng(1)
    low = rng.random((2, 40, 2))
    boxes = np.concatenate([low, low + rng.random((2, 40, 2)) * 0.3], -1).astype(np.float32)
    corner = rng.random((3000, 2))
    anchors = np.concatenate([corner, corner + 0.2], -1).astype(np.float32)
    weights = (rng.random((2, 40)) > 0.3).astype(np.float32)
    rule = MatchingRule(force_match_for_each_row=True)
    found = tf.function(match_anchors)(tf.constant(boxes), tf.constant(weights), tf.constant(anchors), rule)
    for image in range(2):
        similarity = pairwise_iou(boxes[image], anchors).numpy()
        np.testing.assert_array_equal(found[image], slow_match(similarity, weights[image], rule))


def test_settings_are_read_and_thresholds_that_contradict_are_refused():
    rule = matching_rule(pb.Matcher(argmax_matcher=pb.ArgMaxMatcher(force_match_for_each_row=True)))
    assert rule == MatchingRule(force_match_for_each_row=True)
    with pytest.raises(ConfigError, match="unmatched_threshold"):
        matching_rule(pb.Matcher(argmax_matcher=pb.ArgMaxMatcher(unmatched_threshold=0.6)))
    with pytest.raises(ConfigError, match="unmatched_threshold"):
        matching_rule(pb.Matcher(argmax_matcher=pb.ArgMaxMatcher(negatives_lower_than_unmatched=False)))
    with pytest.raises(ConfigError, match="bipartite_matcher"):
        matching_rule(pb.Matcher(bipartite_matcher=pb.BipartiteMatcher()))
