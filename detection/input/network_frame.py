"""From one labelled image to what the network takes: preprocessed image, one-hot classes, padded rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

#: (image ``[H, W, 3]`` float32 0..255) -> (preprocessed ``[h, w, 3]`` float32, true shape ``[3]`` int32).
Preprocess = Callable[[Any], tuple[Any, Any]]


def with_static_shapes(network_input: Any, true_shape: Any, image_shape: Any) -> tuple[Any, Any]:
    """States the static shapes of what preprocessing gave.

    Args:
        network_input: ``[h, w, 3]`` float32.
        true_shape: ``[3]``, the shape of its part that is no padding.
        image_shape: ``(height, width)`` of the network input, or None where it differs between images.
    """
    height, width = (None, None) if image_shape is None else (int(image_shape[0]), int(image_shape[1]))
    network_input = tf.ensure_shape(network_input, [height, width, 3])
    return network_input, tf.ensure_shape(tf.cast(true_shape, tf.int32), [3])


def boxes_in_network_frame(boxes_yxyx_normalized: Any, network_input: Any, true_shape: Any) -> Any:
    """Boxes ``[N, 4]`` of the image, divided by (padded size / true size) (OD_API_SPEC section 9.2)."""
    true_size = tf.cast(true_shape[:2], tf.float32)
    padded_size = tf.cast(tf.shape(network_input)[:2], tf.float32)
    return boxes_yxyx_normalized * tf.tile(true_size / padded_size, [2])


def one_hot_classes(labels: Any, num_classes: int) -> Any:
    """``[N, num_classes]`` float32 with column ``label - 1`` set.

    As in the OD API, label 0 and labels above ``num_classes`` give a row of zeros, which trains as
    background. ``data_validation`` stops such data before training.
    """
    return tf.one_hot(labels - 1, num_classes, dtype=tf.float32)


def padded_rows(values: Any, rows: int) -> Any:
    """The first ``rows`` rows of ``values`` ``[N, ...]``, filled up with zeros to exactly that many."""
    values = values[:rows]
    missing = rows - tf.shape(values)[0]
    padding = [[0, missing]] + [[0, 0]] * (values.shape.rank - 1)
    padded = tf.pad(values, padding)
    padded.set_shape([rows, *values.shape[1:]])
    return padded
