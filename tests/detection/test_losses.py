from __future__ import annotations

import math

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from detection.config import pipeline_pb2 as pb
from detection.errors import ConfigError
from detection.losses import (
    LossRule,
    detection_losses,
    l2_loss,
    loss_rule,
    sigmoid_cross_entropy_loss,
    sigmoid_focal_loss,
    smooth_l1_loss,
)
from detection.target_assignment import Targets, dense_targets

logits = st.floats(-12, 12, width=32)
targets = st.sampled_from([0.0, 1.0, 0.3])
ALPHAS = [None, 0.25]


def slow_focal(x: float, t: float, gamma: float, alpha: float | None) -> float:
    p = 1 / (1 + math.exp(-x))
    cross_entropy = -(t * math.log(p) + (1 - t) * math.log(1 - p))
    balance = 1.0 if alpha is None else t * alpha + (1 - t) * (1 - alpha)
    return (1 - (t * p + (1 - t) * (1 - p))) ** gamma * balance * cross_entropy


@settings(max_examples=100, deadline=None)
@given(
    x=st.lists(logits, min_size=3, max_size=3),
    t=st.lists(targets, min_size=3, max_size=3),
    gamma=st.sampled_from([0.0, 1.0, 1.5, 2.0]),
    alpha=st.sampled_from(ALPHAS),
)
def test_focal_loss_number_by_number(x, t, gamma, alpha):
    found = sigmoid_focal_loss(gamma, alpha)(tf.constant([x]), tf.constant([t]))
    expected = sum(slow_focal(float(a), b, gamma, alpha) for a, b in zip(x, t, strict=True))
    assert float(found[0]) == pytest.approx(expected, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 1.5, 2.0])
@pytest.mark.parametrize("alpha", ALPHAS)
def test_written_out_gradient_is_the_slope_of_the_loss(gamma, alpha):
    x = np.linspace(-6, 6, 13)
    for t in (0.0, 1.0, 0.3):
        column = tf.constant(x[:, None], tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(column)
            value = sigmoid_focal_loss(gamma, alpha)(column, tf.constant([[t]]))
            value = tf.reduce_sum(value * 3.0)
        step = 1e-5
        slope = [
            (slow_focal(a + step, t, gamma, alpha) - slow_focal(a - step, t, gamma, alpha)) / (2 * step)
            for a in x
        ]
        np.testing.assert_allclose(
            tape.gradient(value, column)[:, 0], 3 * np.array(slope), rtol=2e-3, atol=2e-5
        )


def test_extreme_logits_stay_finite():
    x = tf.constant([[-1e4, 1e4, -200.0, 200.0]])
    for loss in (sigmoid_focal_loss(0.5, 0.25), sigmoid_focal_loss(2.0, None), sigmoid_cross_entropy_loss()):
        for t in (0.0, 1.0):
            with tf.GradientTape() as tape:
                tape.watch(x)
                value = loss(x, tf.fill([1, 4], t))
            assert np.isfinite(value).all()
            assert np.isfinite(tape.gradient(value, x)).all()


def test_cross_entropy_equals_tensorflow_and_its_gradient():
    rng = np.random.default_rng(0)
    x = tf.constant(rng.normal(size=(5, 4)) * 4, tf.float32)
    t = tf.constant(rng.integers(0, 2, (5, 4)), tf.float32)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        ours = sigmoid_cross_entropy_loss()(x, t)
        theirs = tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(labels=t, logits=x), -1)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    np.testing.assert_allclose(tape.gradient(ours, x), tape.gradient(theirs, x), atol=1e-6)


def test_smooth_l1_by_hand():
    codes = tf.constant([[0.5, -3.0, 0.0, 1.0]])
    found = smooth_l1_loss(codes, tf.zeros([1, 4]), tf.constant([2.0]), delta=1.0)
    assert float(found[0]) == pytest.approx(2.0 * (0.125 + 2.5 + 0.0 + 0.5))
    wide = smooth_l1_loss(codes, tf.zeros([1, 4]), tf.constant([1.0]), delta=2.0)
    assert float(wide[0]) == pytest.approx(0.125 + (2.0 + 2.0) + 0.5)


def test_a_target_that_is_not_a_number_costs_nothing_and_teaches_nothing():
    codes = tf.Variable([[3.0, 1.0, 0.0, 0.0]])
    with tf.GradientTape() as tape:
        loss = smooth_l1_loss(codes, tf.constant([[math.nan, 0.0, 0.0, 0.0]]), tf.constant([1.0]))
    assert float(loss[0]) == pytest.approx(0.5)
    np.testing.assert_array_equal(tape.gradient(loss, codes), [[0, 1, 0, 0]])


def test_l2_squares_the_weight():
    assert float(l2_loss(tf.constant([[2.0, 0, 0, 0]]), tf.zeros([1, 4]), tf.constant([0.5]))[0]) == 0.5


def some_targets(matched: int) -> Targets:
    """2 images, 6 anchors, 3 columns; the first anchors of image 1 are matched, anchor 5 of image 0 is ignored."""
    rng = np.random.default_rng(matched)
    matches = np.full((2, 6), -1, np.int32)
    matches[0, 5] = -2
    matches[1, :matched] = 0
    at = np.argwhere(matches >= 0)
    return Targets(
        matches=tf.constant(matches),
        matched_at=tf.constant(at.reshape(-1, 2), tf.int64),
        matched_codes=tf.constant(rng.normal(size=(matched, 4)), tf.float32),
        matched_classes=tf.constant(np.eye(3)[rng.integers(1, 3, matched)].reshape(-1, 3), tf.float32),
        matched_weights=tf.constant(rng.random(matched) + 0.1, tf.float32),
        unmatched_class=tf.zeros([3]),
        unmatched_weights=tf.constant((matches == -1), tf.float32),
    )


@pytest.mark.parametrize("matched", [0, 1, 4])
@pytest.mark.parametrize("by_matches", [True, False])
@pytest.mark.parametrize("by_code_size", [True, False])
def test_sums_over_few_anchors_equal_sums_over_all(matched, by_matches, by_code_size):
    rng = np.random.default_rng(7)
    codes = tf.constant(rng.normal(size=(2, 6, 4)), tf.float32)
    scores = tf.constant(rng.normal(size=(2, 6, 3)), tf.float32)
    targets = some_targets(matched)
    rule = LossRule(
        sigmoid_focal_loss(2.0, 0.25),
        smooth_l1_loss,
        classification_weight=2.0,
        localization_weight=3.0,
        normalize_by_num_matches=by_matches,
        normalize_by_code_size=by_code_size,
    )
    dense = dense_targets(targets)
    classes = np.sum(rule.classification(scores, dense.class_targets) * dense.class_weights)
    boxes = np.sum(smooth_l1_loss(codes, dense.box_targets, dense.box_weights))
    count = max(float(np.sum(dense.box_weights)), 1.0) if by_matches else 1.0
    found = detection_losses(codes, scores, targets, rule)
    assert float(found.classification) == pytest.approx(2.0 * classes / count, rel=1e-5)
    assert float(found.localization) == pytest.approx(
        3.0 * boxes / count / (4 if by_code_size else 1), rel=1e-5
    )


def test_settings_are_read():
    ssd = pb.Ssd(normalize_loc_loss_by_codesize=True)
    ssd.loss.classification_loss.weighted_sigmoid_focal.gamma = 1.5
    ssd.loss.localization_loss.weighted_smooth_l1.delta = 0.5
    ssd.loss.classification_weight = 2.0
    rule = loss_rule(ssd)
    assert rule.normalize_by_code_size and rule.normalize_by_num_matches and rule.classification_weight == 2.0
    # alpha is not set, so there is no balance between targets 0 and 1
    found = rule.classification(tf.constant([[0.7]]), tf.constant([[1.0]]))
    assert float(found[0]) == pytest.approx(slow_focal(0.7, 1.0, 1.5, None), rel=1e-5)
    line = rule.localization(tf.constant([[2.0, 0, 0, 0]]), tf.zeros([1, 4]), tf.ones([1]))
    assert float(line[0]) == pytest.approx(0.125 + 0.5 * 1.5)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda loss: loss.hard_example_miner.SetInParent(), "hard_example_miner"),
        (lambda loss: loss.localization_loss.weighted_giou.SetInParent(), "localization_loss"),
        (lambda loss: loss.classification_loss.bootstrapped_sigmoid.SetInParent(), "classification_loss"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(change, field):
    ssd = pb.Ssd()
    ssd.loss.classification_loss.weighted_sigmoid.SetInParent()
    ssd.loss.localization_loss.weighted_l2.SetInParent()
    loss_rule(ssd)
    change(ssd.loss)
    with pytest.raises(ConfigError, match=f"model.ssd.loss.{field}"):
        loss_rule(ssd)
