"""One serialized tf.Example in the OD API's schema, decoded and checked (OD_API_SPEC section 9.1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from detection.input.image_decoding import decode_image
from detection.input.label_resolution import UNKNOWN_LABEL
from detection.input.record_checks import check

_SIDES = ("ymin", "xmin", "ymax", "xmax")


class Example(NamedTuple):
    """One labelled image.

    Attributes:
        image: ``[H, W, 3]`` uint8 RGB.
        encoded_image: Scalar string, the image file as the record has it.
        source_id: Scalar string: ``image/source_id``, else ``image/filename``, else empty.
        boxes_yxyx_normalized: ``[N, 4]`` float32.
        labels: ``[N]`` int64, label-map ids; 1-based. 0 and ids above the model's classes are kept.
        weights: ``[N]`` float32.
        is_crowd: ``[N]`` int64, 0 where the record does not say.
        area: ``[N]`` float32 in pixels, 0 where the record does not say.
    """

    image: Any
    encoded_image: Any
    source_id: Any
    boxes_yxyx_normalized: Any
    labels: Any
    weights: Any
    is_crowd: Any
    area: Any


def decode_example(serialized: Any, resolve_labels: Callable[[Any, Any], Any]) -> Example:
    """Decodes one record.

    Objects with an unknown class text (or the label -1) or a NaN coordinate are dropped, with everything that
    belongs to them: weights too, which the OD API leaves misaligned (DESIGN section 8). Boxes may reach
    outside the image; zero-area boxes stay.

    Args:
        serialized: Scalar string, a serialized ``tf.train.Example``.
        resolve_labels: From ``label_resolution.label_resolver``.

    Raises:
        tf.errors.InvalidArgumentError: When run, naming the record: lists of different lengths, an inverted
        or
            infinite box, or an image that cannot be decoded (``reading_errors`` makes a ``DataError`` of it).
    """
    features = tf.io.parse_single_example(serialized, _schema())
    source_id = tf.where(
        tf.equal(features["image/source_id"], ""), features["image/filename"], features["image/source_id"]
    )
    columns = {side: features[f"image/object/bbox/{side}"] for side in _SIDES}
    labels = resolve_labels(features["image/object/class/text"], features["image/object/class/label"])
    count = tf.size(columns["ymin"])
    optional = {
        "weight": (features["image/object/weight"], 1.0),
        "is_crowd": (features["image/object/is_crowd"], 0),
        "area": (features["image/object/area"], 0.0),
    }
    filled = {name: _filled(values, count, default) for name, (values, default) in optional.items()}
    per_object = {**columns, "class": labels, **filled}
    with tf.control_dependencies([_same_lengths(per_object, count, source_id)]):
        boxes = tf.stack([columns[side] for side in _SIDES], axis=1)
    kept = (labels != UNKNOWN_LABEL) & ~tf.reduce_any(tf.math.is_nan(boxes), axis=1)
    boxes = tf.boolean_mask(boxes, kept)
    with tf.control_dependencies([_upright(boxes, source_id)]):
        boxes = tf.identity(boxes)
    encoded = features["image/encoded"]
    return Example(
        image=decode_image(encoded, features["image/format"], source_id),
        encoded_image=encoded,
        source_id=source_id,
        boxes_yxyx_normalized=boxes,
        labels=tf.boolean_mask(labels, kept),
        weights=tf.boolean_mask(filled["weight"], kept),
        is_crowd=tf.boolean_mask(filled["is_crowd"], kept),
        area=tf.boolean_mask(filled["area"], kept),
    )


def _schema() -> dict[str, Any]:
    def scalar(default: str) -> Any:
        return tf.io.FixedLenFeature([], tf.string, default_value=default)

    def values(dtype: Any) -> Any:
        return tf.io.FixedLenSequenceFeature([], dtype, allow_missing=True)

    return {
        "image/encoded": scalar(""),
        "image/format": scalar("jpeg"),
        "image/source_id": scalar(""),
        "image/filename": scalar(""),
        **{f"image/object/bbox/{side}": values(tf.float32) for side in _SIDES},
        "image/object/class/text": values(tf.string),
        "image/object/class/label": values(tf.int64),
        "image/object/weight": values(tf.float32),
        "image/object/is_crowd": values(tf.int64),
        "image/object/area": values(tf.float32),
    }


def _filled(values: Any, count: Any, default: float) -> Any:
    """``values``, or ``count`` times the default where the record has none."""
    fill = tf.fill([tf.where(tf.size(values) > 0, 0, count)], tf.constant(default, values.dtype))
    return tf.concat([values, fill], axis=0)


def _same_lengths(values: dict[str, Any], count: Any, source_id: Any) -> Any:
    lengths = tf.stack([tf.size(value) for value in values.values()])
    fields = tf.constant([f"image/object/{name}" for name in values])
    other = tf.not_equal(lengths, count)
    return check(
        ~tf.reduce_any(other),
        [
            "lists of one record have different lengths:",
            tf.boolean_mask(fields, other),
            tf.boolean_mask(lengths, other),
            "but image/object/bbox/ymin",
            count,
            "in record",
            source_id,
        ],
    )


def _upright(boxes: Any, source_id: Any) -> Any:
    good = (
        (boxes[:, 2] >= boxes[:, 0])
        & (boxes[:, 3] >= boxes[:, 1])
        & tf.reduce_all(tf.abs(boxes) < 1e30, axis=1)
    )
    bad = tf.boolean_mask(boxes, ~good)
    return check(
        tf.reduce_all(good),
        [
            "a box is inverted (ymax < ymin or xmax < xmin) or infinite in record",
            source_id,
            "[ymin xmin ymax xmax]",
            bad,
        ],
    )
