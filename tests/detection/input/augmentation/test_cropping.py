from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from detection.input.augmentation.cropping import crop_to_window
from detection.input.augmentation.sample import Sample

RECIPE = """
    min_object_covered: 0 min_aspect_ratio: 0.75 max_aspect_ratio: 3
    min_area: 0.75 max_area: 1 overlap_thresh: 0
"""


def _option(fields: str) -> str:
    return f"data_augmentation_options {{ random_crop_image {{ {fields} }} }}"


def _coordinates(height: int, width: int) -> np.ndarray:
    """Pixels that say where they are: [row, column, 0]."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows, columns, rows * 0], axis=2).astype(np.uint8)


def _window(image: np.ndarray) -> np.ndarray:
    """The window, in pixels, that a crop of ``_coordinates`` shows; checks that it is contiguous."""
    top, left = (int(v) for v in image[0, 0, :2])
    height, width = image.shape[:2]
    np.testing.assert_array_equal(image, _coordinates(256, 256)[top : top + height, left : left + width])
    return np.array([top, left, top + height, left + width], float)


def test_windows_keep_to_the_ranges_and_are_spread_over_them(apply: Callable) -> None:
    results = apply(_option(RECIPE), _coordinates(200, 250), [], seeds=400)
    windows = np.array([_window(result.image) for result in results])
    heights, widths = windows[:, 2] - windows[:, 0], windows[:, 3] - windows[:, 1]
    ratios, areas = widths / heights, heights * widths / (200 * 250)
    assert ratios.min() > 0.74 and ratios.max() < 3.05
    assert areas.min() > 0.74 and areas.max() <= 1.0
    # On an image of ratio 1.25 a window of 3/4 of the area has a ratio of 0.94 to 1.67.
    assert ratios.min() < 1.0 and ratios.max() > 1.55
    assert areas.min() < 0.77 and areas.max() > 0.97
    assert 0.8 < areas.mean() < 0.9
    assert (windows[:, 0] == 0).mean() < 0.5 and windows[:, 0].max() > 20


def test_boxes_follow_the_window(apply: Callable) -> None:
    boxes = np.random.default_rng(2).uniform(0, 1, (12, 2, 2))
    boxes = np.concatenate([boxes.min(1), boxes.max(1)], axis=1)
    fields = "min_object_covered: 0 min_area: 0.1 max_area: 0.4 overlap_thresh: 0.3"
    for result in apply(_option(fields), _coordinates(200, 250), boxes, seeds=30):
        window = _window(result.image) / [200, 250, 200, 250]
        overlap = np.minimum(boxes[:, 2:], window[2:]) - np.maximum(boxes[:, :2], window[:2])
        share = overlap.clip(0).prod(1) / (boxes[:, 2:] - boxes[:, :2]).prod(1)
        kept = np.flatnonzero((overlap > 0).all(1) & (share >= 0.3))
        assert (result.labels - 1).tolist() == kept.tolist()
        size = np.tile(window[2:] - window[:2], 2)
        expected = ((boxes[kept] - np.tile(window[:2], 2)) / size).clip(0, 1)
        np.testing.assert_allclose(result.boxes_yxyx_normalized, expected, atol=1e-5)


def test_min_object_covered_shows_at_least_one_box_whole(apply: Callable) -> None:
    boxes = [[0.1, 0.1, 0.3, 0.3], [0.7, 0.6, 0.8, 0.9]]
    fields = "min_object_covered: 1.0 min_area: 0.1 max_area: 0.5 overlap_thresh: 0.99"
    for result in apply(_option(fields), _coordinates(200, 250), boxes, seeds=60):
        assert len(result.labels) >= 1


def test_all_boxes_may_vanish(apply: Callable) -> None:
    fields = "min_object_covered: 0 min_area: 0.1 max_area: 0.2 overlap_thresh: 0.9"
    counts = [
        len(r.labels) for r in apply(_option(fields), _coordinates(200, 250), [[0, 0, 0.1, 0.1]], seeds=60)
    ]
    assert min(counts) == 0 and max(counts) <= 1


def test_the_whole_image_where_no_window_fits(apply: Callable) -> None:
    # No window of a tenth of the area covers a box of nearly the whole image.
    fields = "min_object_covered: 1.0 min_area: 0.1 max_area: 0.1"
    for result in apply(_option(fields), _coordinates(200, 250), [[0.01, 0.01, 0.99, 0.99]], seeds=5):
        assert result.image.shape == (200, 250, 3)
        np.testing.assert_allclose(result.boxes_yxyx_normalized, [[0.01, 0.01, 0.99, 0.99]], atol=1e-6)


@pytest.mark.parametrize("coefficient", [0.0, 0.3, 1.0])
def test_random_coef_is_the_probability_of_no_crop(apply: Callable, coefficient: float) -> None:
    fields = f"min_object_covered: 0 min_area: 0.1 max_area: 0.5 random_coef: {coefficient}"
    results = apply(_option(fields), _coordinates(200, 250), [], seeds=200)
    whole = sum(result.image.shape == (200, 250, 3) for result in results)
    assert abs(whole - 200 * coefficient) <= 4 * (200 * coefficient * (1 - coefficient)) ** 0.5


coordinate = st.integers(0, 64).map(lambda n: n / 64)
box = st.tuples(coordinate, coordinate, coordinate, coordinate).map(
    lambda c: [min(c[0], c[2]), min(c[1], c[3]), max(c[0], c[2]), max(c[1], c[3])]
)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(box, max_size=6),
    st.tuples(st.integers(0, 63), st.integers(0, 63), st.integers(1, 64), st.integers(1, 64)),
    st.sampled_from([0.0, 0.25, 0.3, 1.0]),
    st.booleans(),
)
def test_which_boxes_stay_against_exact_arithmetic(
    boxes: list, window: tuple[int, int, int, int], threshold: float, clip: bool
) -> None:
    """On a 64 x 64 image all numbers are exact in float32, so touching edges and limits are exact too."""
    top, left, height, width = (
        window[0],
        window[1],
        min(window[2], 64 - window[0]),
        min(window[3], 64 - window[1]),
    )
    sample = Sample(
        tf.zeros([64, 64, 3], tf.uint8),
        tf.constant(boxes, tf.float32, shape=[len(boxes), 4]),
        tf.range(len(boxes), dtype=tf.int64),
        tf.ones([len(boxes)]),
    )
    result = crop_to_window(sample, tf.constant([top, left]), tf.constant([height, width]), threshold, clip)
    expected = []
    for number, (ymin, xmin, ymax, xmax) in enumerate(boxes):
        rows = min(ymax * 64, top + height) - max(ymin * 64, top)
        columns = min(xmax * 64, left + width) - max(xmin * 64, left)
        area = (ymax - ymin) * (xmax - xmin) * 64 * 64
        if (
            rows > 0
            and columns > 0
            and area > 0
            and np.float32(rows * columns / area) >= np.float32(threshold)
        ):
            expected.append(number)
    assert result.labels.numpy().tolist() == expected
    assert result.image.shape == (height, width, 3)
    if clip and expected:
        assert (
            result.boxes_yxyx_normalized.numpy().min() >= 0
            and result.boxes_yxyx_normalized.numpy().max() <= 1
        )
    if not clip:
        frame = np.array([top, left, top, left]), np.array([height, width, height, width])
        reframed = (np.array(boxes).reshape(-1, 4)[expected] * 64 - frame[0]) / frame[1]
        np.testing.assert_allclose(result.boxes_yxyx_normalized, reframed, atol=1e-5)
