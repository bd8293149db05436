from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from detection.config.label_map import LabelMap, LabelMapItem
from detection.errors import DataError
from detection.input.label_resolution import label_resolver
from detection.input.reading_errors import reading_errors
from detection.input.tf_example import decode_example

PIXELS = np.zeros((4, 4, 3), np.uint8)
BOXES = [[0.1, 0.2, 0.3, 0.4], [0.0, 0.0, 1.0, 1.0], [-0.5, 0.5, 1.5, 0.75]]


def _decode(serialized: bytes, label_map: LabelMap | None = None) -> Any:
    resolve = label_resolver(label_map)
    decoded = tf.function(lambda s: decode_example(s, resolve))(tf.constant(serialized))
    return decoded._make(value.numpy() for value in decoded)


def test_everything_a_record_holds(example: Callable[..., bytes], label_map: LabelMap) -> None:
    decoded = _decode(
        example(
            PIXELS,
            BOXES,
            source_id=[b"seq_1_FRONT"],
            object__class__text=[b"vehicle", b"cyclist", b"pedestrian"],
            object__class__label=[9, 9, 9],
            object__weight=[0.5, 0.0, 2.0],
            object__is_crowd=[0, 1, 0],
            object__area=[3.0, 4.0, 5.0],
        ),
        label_map,
    )
    np.testing.assert_array_equal(decoded.image, PIXELS)
    np.testing.assert_allclose(decoded.boxes_yxyx_normalized, BOXES)
    assert decoded.labels.tolist() == [1, 3, 2]
    assert decoded.weights.tolist() == [0.5, 0.0, 2.0]
    assert decoded.is_crowd.tolist() == [0, 1, 0]
    assert decoded.area.tolist() == [3.0, 4.0, 5.0]
    assert decoded.source_id == b"seq_1_FRONT"
    np.testing.assert_array_equal(tf.io.decode_png(decoded.encoded_image), PIXELS)


def test_defaults(example: Callable[..., bytes]) -> None:
    decoded = _decode(example(PIXELS, BOXES, object__class__label=[1, 2, 7], filename=[b"f.png"]))
    assert decoded.labels.tolist() == [1, 2, 7]
    assert decoded.weights.tolist() == [1.0, 1.0, 1.0]
    assert decoded.is_crowd.tolist() == [0, 0, 0]
    assert decoded.area.tolist() == [0.0, 0.0, 0.0]
    assert decoded.source_id == b"f.png"


def test_no_objects(example: Callable[..., bytes], label_map: LabelMap) -> None:
    serialized = tf.train.Example.FromString(example(PIXELS))
    for side in ("ymin", "xmin", "ymax", "xmax"):
        del serialized.features.feature[f"image/object/bbox/{side}"]
    decoded = _decode(serialized.SerializeToString(), label_map)
    assert decoded.boxes_yxyx_normalized.shape == (0, 4)
    assert decoded.labels.shape == decoded.weights.shape == (0,)


def test_text_goes_before_the_label_id(example: Callable[..., bytes], label_map: LabelMap) -> None:
    both = example(PIXELS, BOXES[:1], object__class__text=[b"cyclist"], object__class__label=[1])
    assert _decode(both, label_map).labels.tolist() == [3]
    assert _decode(both, None).labels.tolist() == [1]
    only_label = example(PIXELS, BOXES[:1], object__class__label=[2])
    assert _decode(only_label, label_map).labels.tolist() == [2]


def test_name_and_display_name_take_the_larger_id(example: Callable[..., bytes]) -> None:
    crossing = LabelMap((LabelMapItem(1, "a", "b"), LabelMapItem(5, "b", "c")))
    serialized = example(PIXELS, BOXES, object__class__text=[b"a", b"b", b"c"])
    assert _decode(serialized, crossing).labels.tolist() == [1, 5, 5]


def test_unknown_texts_are_dropped_with_all_that_belongs_to_them(
    example: Callable[..., bytes], label_map: LabelMap
) -> None:
    decoded = _decode(
        example(
            PIXELS,
            BOXES,
            object__class__text=[b"unicorn", b"cyclist", b""],
            object__weight=[0.1, 0.2, 0.3],
            object__area=[1.0, 2.0, 3.0],
            object__is_crowd=[0, 1, 0],
        ),
        label_map,
    )
    np.testing.assert_allclose(decoded.boxes_yxyx_normalized, [BOXES[1]])
    assert decoded.labels.tolist() == [3]
    np.testing.assert_allclose(decoded.weights, [0.2])
    assert decoded.area.tolist() == [2.0]
    assert decoded.is_crowd.tolist() == [1]


def test_nan_boxes_and_label_minus_one_are_dropped(example: Callable[..., bytes]) -> None:
    nan = float("nan")
    boxes = [[nan, 0.0, 1.0, 1.0], BOXES[0], [0.9, nan, 0.1, nan], BOXES[1]]
    decoded = _decode(
        example(PIXELS, boxes, object__class__label=[1, 2, 3, -1], object__weight=[1.0, 2.0, 3.0, 4.0])
    )
    np.testing.assert_allclose(decoded.boxes_yxyx_normalized, [BOXES[0]])
    assert decoded.weights.tolist() == [2.0]


def test_zero_area_boxes_and_foreign_ids_stay(example: Callable[..., bytes]) -> None:
    decoded = _decode(example(PIXELS, [[0.5, 0.5, 0.5, 0.5]] * 2, object__class__label=[0, 4]))
    assert decoded.labels.tolist() == [0, 4]


@pytest.mark.parametrize("box", [[0.5, 0.1, 0.4, 0.2], [0.1, 0.5, 0.2, 0.4], [0.0, 0.0, float("inf"), 1.0]])
def test_inverted_and_infinite_boxes_name_the_record(example: Callable[..., bytes], box: list[float]) -> None:
    serialized = example(PIXELS, [BOXES[0], box], object__class__label=[1, 1], source_id=[b"drive-3"])
    with pytest.raises(DataError, match="inverted") as caught, reading_errors():
        _decode(serialized)
    assert "drive-3" in caught.value.details["found"]
    assert "0.1 0.2 0.3" not in caught.value.details["found"]


@pytest.mark.parametrize("field", ["object__weight", "object__area", "object__class__label"])
def test_lists_of_different_lengths_name_field_and_record(example: Callable[..., bytes], field: str) -> None:
    values = {"object__class__label": [1, 1, 1], field: [1] if field.endswith("label") else [1.0, 1.0]}
    with pytest.raises(DataError) as caught, reading_errors():
        _decode(example(PIXELS, BOXES, source_id=[b"drive-4"], **values))
    name = field.split("__")[-1].replace("label", "class")
    assert f"image/object/{name}" in caught.value.details["found"]
    assert "drive-4" in caught.value.details["found"]


def test_broken_image_data_is_a_data_error(example: Callable[..., bytes]) -> None:
    jpeg = tf.io.encode_jpeg(np.zeros((64, 64, 3), np.uint8)).numpy()
    with pytest.raises(DataError) as caught, reading_errors():
        _decode(example(jpeg[:200]))
    assert "{{" not in caught.value.details["found"]


def test_no_example_at_all_is_a_data_error() -> None:
    with pytest.raises(DataError), reading_errors():
        _decode(b"not a proto")
