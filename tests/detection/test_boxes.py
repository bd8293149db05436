from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detection.box_coding import BoxCodeScales, decode_boxes, encode_boxes
from detection.boxes import box_areas, change_coordinate_frame, clip_to_window, pairwise_iou

grid = st.integers(0, 8).map(lambda place: place / 8)
up_to_six = st.integers(0, 6)


@st.composite
def boxes(draw, count=up_to_six, with_area=False):
    rows = []
    for _ in range(draw(count)):
        ymin, ymax = sorted([draw(grid), draw(grid)])
        xmin, xmax = sorted([draw(grid), draw(grid)])
        if with_area:
            ymax, xmax = max(ymax, ymin + 0.0625), max(xmax, xmin + 0.0625)
        rows.append([ymin, xmin, ymax, xmax])
    return np.array(rows, np.float32).reshape(-1, 4)


def slow_iou(one, other) -> float:
    height = max(min(one[2], other[2]) - max(one[0], other[0]), 0.0)
    width = max(min(one[3], other[3]) - max(one[1], other[1]), 0.0)
    if height * width == 0.0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return height * width / (sum(areas) - height * width)


@settings(max_examples=50, deadline=None)
@given(first=boxes(), second=boxes())
def test_iou_pair_by_pair(first, second):
    found = pairwise_iou(first, second).numpy()
    expected = [[slow_iou(one, other) for other in second.tolist()] for one in first.tolist()]
    np.testing.assert_allclose(found, np.reshape(expected, found.shape), atol=1e-6)


def test_iou_of_batches_broadcasts():
    rng = np.random.default_rng(0)
    low = rng.random((3, 5, 2), np.float32)
    batch = np.concatenate([low, low + 0.2], -1)
    found = pairwise_iou(batch, batch[:1])
    assert found.shape == (3, 5, 5)
    np.testing.assert_array_equal(found[2], pairwise_iou(batch[2], batch[0]))
    np.testing.assert_allclose(np.diag(found[0]), 1.0, rtol=1e-6)


def test_boxes_without_area_overlap_nothing_not_even_themselves():
    point = np.array([[0.5, 0.5, 0.5, 0.9]], np.float32)
    assert pairwise_iou(point, point).numpy().tolist() == [[0.0]]


@settings(max_examples=50, deadline=None)
@given(first=boxes(count=st.just(4), with_area=True), second=boxes(count=st.just(4), with_area=True))
def test_codes_decode_to_the_box(first, second):
    scales = BoxCodeScales()
    codes = encode_boxes(first, second, scales)
    np.testing.assert_allclose(decode_boxes(codes, second, scales), first, atol=2e-6)


def test_codes_of_a_known_box():
    anchor = np.array([[0.0, 0.0, 0.5, 0.25]], np.float32)
    box = np.array([[0.25, 0.125, 1.25, 0.625]], np.float32)  # twice the size, centre moved by a whole size
    codes = encode_boxes(box, anchor, BoxCodeScales(10.0, 20.0, 5.0, 4.0)).numpy()[0]
    np.testing.assert_allclose(codes, [10.0, 20.0, 5 * np.log(2), 4 * np.log(2)], rtol=1e-5)


def test_a_box_without_area_has_a_finite_code():
    codes = encode_boxes(np.zeros((1, 4), np.float32), np.array([[0, 0, 1, 1]], np.float32), BoxCodeScales())
    assert np.isfinite(codes).all()


def test_clipping_and_the_frame_of_a_padded_image():
    window = np.array([[0.0, 0.0, 0.5, 1.0]], np.float32)
    batch = np.array([[[-0.25, 0.25, 0.25, 0.5], [0.75, 0.0, 1.0, 1.0]]], np.float32)
    clipped = clip_to_window(batch, window)
    np.testing.assert_array_equal(clipped[0], [[0.0, 0.25, 0.25, 0.5], [0.5, 0.0, 0.5, 1.0]])
    assert box_areas(clipped).numpy()[0].tolist() == pytest.approx([0.0625, 0.0])
    framed = change_coordinate_frame(clipped, window)
    np.testing.assert_array_equal(framed[0, 0], [0.0, 0.25, 0.5, 0.5])
