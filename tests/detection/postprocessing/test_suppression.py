"""Vectorised suppression against a slow one that goes class by class, box by box (OD_API_SPEC section 7)."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from detection.box_coding import BoxCodeScales, encode_boxes
from detection.boxes import pairwise_iou
from detection.postprocessing import Detections, PostprocessingRule, detections, postprocess

UNIT = np.array([[0.0, 0.0, 1.0, 1.0]], np.float32)


def run(boxes, scores, windows, rule: PostprocessingRule, graph: bool = False) -> Detections:
    """Post-processing of given boxes: they are decoded from codes relative to themselves as anchors."""
    boxes, scores, windows = (np.asarray(array, np.float32) for array in (boxes, scores, windows))

    def call() -> Detections:
        return postprocess(
            tf.constant(boxes),
            tf.constant(scores),
            tf.zeros([boxes.shape[1], 4]),
            windows,
            rule,
            BoxCodeScales(),
        )

    return tf.function(call)() if graph else call()


@pytest.fixture
def codes_are_boxes(monkeypatch):
    """Decoding would round the boxes' coordinates, and with them overlaps that lie exactly on a threshold."""
    monkeypatch.setattr(detections, "decode_boxes", lambda codes, anchors, scales: codes)


def slow(boxes, scores, window, rule: PostprocessingRule) -> list[tuple]:
    """(box, score, class, anchor) of one image."""
    iou = pairwise_iou(boxes, boxes).numpy()
    kept = []
    for label in range(scores.shape[1]):
        chosen: list[int] = []
        for anchor in np.argsort(-scores[:, label], kind="stable"):
            if (
                not scores[anchor, label] > rule.score_threshold
                or len(chosen) == rule.max_detections_per_class
            ):
                break
            if all(iou[anchor, other] <= rule.iou_threshold for other in chosen):
                chosen.append(int(anchor))
        kept += [(scores[anchor, label], label, anchor) for anchor in chosen]
    kept.sort(key=lambda entry: -entry[0])  # stable: classes in order, then as they were chosen
    found = []
    ymin, xmin, ymax, xmax = window
    for score, label, anchor in kept:
        y0, x0, y1, x1 = boxes[anchor]
        box = np.clip([y0, x0, y1, x1], [ymin, xmin] * 2, [ymax, xmax] * 2)
        if (box[2] - box[0]) * (box[3] - box[1]) <= 0:
            continue
        if rule.change_coordinate_frame:
            box = (box - [ymin, xmin] * 2) / ([ymax - ymin, xmax - xmin] * 2)
        found.append((box, score, label, anchor))
    return found[: rule.max_total_detections]


def assert_equal(found: Detections, boxes, scores, windows, rule: PostprocessingRule) -> None:
    for image in range(len(boxes)):
        expected = slow(np.float32(boxes[image]), np.float32(scores[image]), windows[image], rule)
        count = int(found.count[image])
        assert count == len(expected)
        assert found.anchor_indices[image, :count].numpy().tolist() == [entry[3] for entry in expected]
        assert found.classes[image, :count].numpy().tolist() == [entry[2] for entry in expected]
        assert found.scores[image, :count].numpy().tolist() == [entry[1] for entry in expected]
        np.testing.assert_allclose(
            found.boxes_yxyx_normalized[image, :count],
            np.reshape([entry[0] for entry in expected], (count, 4)),
            atol=1e-6,
        )
        for tensor in (found.boxes_yxyx_normalized, found.scores, found.classes, found.anchor_indices):
            assert not tensor[image, count:].numpy().any()


@st.composite
def scenes(draw):
    """Few distinct places and scores: equal scores, equal boxes and boxes without area in most examples."""
    batch, anchors, classes = draw(st.integers(1, 2)), draw(st.integers(1, 12)), draw(st.integers(1, 3))
    ends = draw(st.lists(st.integers(0, 6), min_size=batch * anchors * 4, max_size=batch * anchors * 4))
    boxes = np.sort(np.array(ends, np.float32).reshape(batch, anchors, 2, 2), axis=2).reshape(
        batch, anchors, 4
    )
    size = batch * anchors * classes
    scores = draw(st.lists(st.sampled_from([0.0, 0.1, 0.5, 0.9]), min_size=size, max_size=size))
    return boxes / 5, np.array(scores, np.float32).reshape(batch, anchors, classes)


@settings(max_examples=120, deadline=None)
@given(
    scene=scenes(),
    threshold=st.sampled_from([0.0, 0.1, 0.3]),
    iou=st.sampled_from([0.0, 0.5, 1.0]),
    per_class=st.integers(1, 4),
    more=st.integers(0, 5),
    frame=st.booleans(),
    first_try=st.sampled_from([1, 2, 10]),
)
def test_equals_class_by_class_with_ties(scene, threshold, iou, per_class, more, frame, first_try):
    boxes, scores = scene
    rule = PostprocessingRule(
        score_threshold=threshold,
        iou_threshold=iou,
        max_detections_per_class=per_class,
        max_total_detections=per_class + more,
        change_coordinate_frame=frame,
        has_background=False,
    )
    windows = np.array([[0, 0, 1, 1], [0, 0, 0.5, 1]], np.float32)[: len(boxes)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(detections, "decode_boxes", lambda codes, anchors, scales: codes)
        patch.setattr(detections, "_FIRST_TRY", first_try)
        patch.setattr(detections, "_SECOND_TRY", 2 * first_try)
        assert_equal(run(boxes, scores, windows, rule), boxes, scores, windows, rule)


def crowd(rng: np.random.Generator, batch: int, anchors: int, classes: int, spread: float):
    """Boxes in heaps: the smaller the spread, the more of the best candidates suppress one another."""
    low = 0.4 + rng.random((batch, anchors, 2)) * spread
    size = 0.1 + rng.random((batch, anchors, 2)) * spread
    return np.concatenate([low, low + size], -1).astype(np.float32), rng.random(
        (batch, anchors, classes), np.float32
    )


@pytest.mark.usefixtures("codes_are_boxes")
@pytest.mark.parametrize("spread", [0.5, 0.05, 0.01])
@pytest.mark.parametrize("threshold", [1e-8, 0.95])
def test_every_try_is_exact(spread, threshold):
    """With the smallest spread neither 10 nor 100 candidates a detection suffice: all anchors are looked at."""
    boxes, scores = crowd(np.random.default_rng(3), 2, 3000, 4, spread)
    rule = PostprocessingRule(
        score_threshold=threshold, max_detections_per_class=5, max_total_detections=12, has_background=False
    )
    windows = np.array([[0, 0, 1, 1], [0, 0, 0.7, 1]], np.float32)
    assert_equal(run(boxes, scores, windows, rule, graph=True), boxes, scores, windows, rule)


def count_calls(monkeypatch, name: str) -> list[int]:
    calls: list[int] = []
    wrapped: Callable = getattr(detections, name)

    def counted(*arguments, **named):
        calls.append(1)
        return wrapped(*arguments, **named)

    monkeypatch.setattr(detections, name, counted)
    return calls


@pytest.mark.usefixtures("codes_are_boxes")
@pytest.mark.parametrize(("spread", "tries", "all_anchors"), [(0.5, 1, 0), (0.3, 2, 0), (0.001, 2, 1)])
def test_more_candidates_are_taken_only_where_needed(monkeypatch, spread, tries, all_anchors):
    few, many = count_calls(monkeypatch, "suppress_greedily"), count_calls(monkeypatch, "suppress_rows")
    boxes, scores = crowd(np.random.default_rng(5), 1, 4000, 1, spread)
    run(
        boxes,
        scores,
        UNIT,
        PostprocessingRule(
            max_total_detections=20, max_detections_per_class=20, iou_threshold=0.3, has_background=False
        ),
    )
    assert (len(few), len(many)) == (tries, all_anchors)


@pytest.mark.usefixtures("codes_are_boxes")
def test_equal_scores_everywhere():
    boxes, _ = crowd(np.random.default_rng(5), 1, 2500, 3, 0.5)
    scores = np.full((1, 2500, 3), 0.25, np.float32)
    rule = PostprocessingRule(max_detections_per_class=8, max_total_detections=20, has_background=False)
    assert_equal(run(boxes, scores, UNIT, rule), boxes, scores, UNIT, rule)


def test_not_a_number_is_never_detected():
    boxes, scores = crowd(np.random.default_rng(5), 1, 3000, 2, 0.5)
    scores[:, ::2] = np.nan
    codes = encode_boxes(boxes, np.zeros((3000, 4), np.float32) + UNIT, BoxCodeScales())
    rule = PostprocessingRule(has_background=False)
    found = postprocess(codes, tf.constant(scores), tf.zeros([3000, 4]) + UNIT, UNIT, rule, BoxCodeScales())
    assert int(found.count[0]) == 100
    assert np.isfinite(found.scores).all() and (found.anchor_indices.numpy() % 2 == 1).all()
    none = postprocess(
        codes, tf.fill([1, 3000, 2], float("nan")), tf.zeros([3000, 4]) + UNIT, UNIT, rule, BoxCodeScales()
    )
    assert int(none.count[0]) == 0


@pytest.mark.usefixtures("codes_are_boxes")
def test_background_is_no_class_and_comes_out_with_all_scores():
    boxes = [[[0, 0, 0.5, 0.5], [0.5, 0.5, 1, 1]]]
    scores = [[[0.9, 0.1, 0.2], [0.1, 0.6, 0.05]]]
    rule = PostprocessingRule(score_threshold=0.15, max_detections_per_class=3, max_total_detections=3)
    found = run(boxes, scores, UNIT, rule)
    assert found.count.numpy().tolist() == [2.0]
    assert found.classes.numpy().tolist() == [[0.0, 1.0, 0.0]]
    np.testing.assert_allclose(found.multiclass_scores[0], [[0.1, 0.6, 0.05], [0.9, 0.1, 0.2], [0, 0, 0]])


RECORDED = [
    "default",
    "thr",
    "total20",
    "noframe",
    "hard",
    "static",
    "combined",
    "agnostic",
    "soft",
    "partitioned",
]


@pytest.mark.usefixtures("codes_are_boxes")
@pytest.mark.parametrize("variant", RECORDED)
@pytest.mark.parametrize("first_try", [1, 10])
def test_recorded_variants(shared_dir, monkeypatch, variant, first_try):
    """``hard``, ``static`` and ``partitioned`` are other ways to the same boxes."""
    monkeypatch.setattr(detections, "_FIRST_TRY", first_try)
    with np.load(shared_dir / "golden" / "nms.npz") as file:
        recorded = {
            name: file[name] for name in file.files if ":" not in name or name.startswith(f"{variant}:")
        }
    given_parameters = json.loads(str(recorded[f"{variant}:params"]))
    rule = PostprocessingRule(
        score_threshold=given_parameters["score_thresh"],
        iou_threshold=given_parameters["iou_thresh"],
        max_detections_per_class=given_parameters["max_size_per_class"],
        max_total_detections=given_parameters["max_total_size"],
        change_coordinate_frame=given_parameters["change_coordinate_frame"],
        soft_nms_sigma=given_parameters.get("soft_nms_sigma", 0.0),
        class_agnostic=given_parameters.get("use_class_agnostic_nms", False),
        combined=given_parameters.get("use_combined_nms", False),
        has_background=False,
    )
    found = run(recorded["boxes"][:, :, 0], recorded["scores"], recorded["clip_window"], rule, graph=True)
    np.testing.assert_array_equal(found.count, recorded[f"{variant}:num"])
    np.testing.assert_allclose(found.boxes_yxyx_normalized, recorded[f"{variant}:boxes"], atol=1e-5)
    np.testing.assert_allclose(found.scores, recorded[f"{variant}:scores"], atol=1e-5)
    np.testing.assert_array_equal(found.classes, recorded[f"{variant}:classes"])
    if variant not in ("partitioned", "combined"):  # these do not give the anchors
        np.testing.assert_array_equal(found.anchor_indices, recorded[f"{variant}:anchor_indices"])
