"""The inputs that an exported detector can take (OD_API_SPEC section 12)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from detection.detector import SsdDetector
from detection.errors import ConfigError

INPUT_NAME = "input_tensor"


class InputType(NamedTuple):
    """One kind of input.

    Attributes:
        spec: What the signature takes, under the name ``input_tensor``.
        preprocess: (detector, input) -> the network's input float32 [B, h, w, 3] and true shapes int32 [B,
            3].
    """

    spec: tf.TensorSpec
    preprocess: Callable[[SsdDetector, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]


def input_type(name: str) -> InputType:
    """The input type called ``name``.

    Raises:
        ConfigError: There is none.
    """
    if name not in _INPUT_TYPES:
        raise ConfigError(
            "this input type is not supported",
            field="input_type",
            found=name,
            expected=", ".join(_INPUT_TYPES),
        )
    return _INPUT_TYPES[name]


def _from_images(detector: SsdDetector, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    preprocessed, true_shape = detector.preprocess(tf.cast(images, tf.float32))
    return preprocessed, tf.tile(true_shape[None], [tf.shape(images)[0], 1])


def _from_encoded(detector: SsdDetector, encoded: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    return _one_by_one(detector, encoded, lambda image: image)


def _from_examples(detector: SsdDetector, examples: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    feature = {"image/encoded": tf.io.FixedLenFeature([], tf.string)}
    return _one_by_one(
        detector, examples, lambda example: tf.io.parse_single_example(example, feature)["image/encoded"]
    )


def _one_by_one(
    detector: SsdDetector, inputs: tf.Tensor, encoded_image: Callable[[tf.Tensor], tf.Tensor]
) -> tuple[tf.Tensor, tf.Tensor]:
    """Images of several sizes become one batch because the resizer gives them one size."""

    def one(element: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        image = tf.io.decode_image(encoded_image(element), channels=3, expand_animations=False)
        return detector.preprocess(tf.cast(tf.ensure_shape(image, [None, None, 3]), tf.float32))

    height, width = detector.image_shape or (None, None)
    signature = (tf.TensorSpec([height, width, 3], tf.float32), tf.TensorSpec([3], tf.int32))
    return tf.map_fn(one, inputs, fn_output_signature=signature)


_INPUT_TYPES = {
    "image_tensor": InputType(tf.TensorSpec([1, None, None, 3], tf.uint8, name=INPUT_NAME), _from_images),
    "float_image_tensor": InputType(
        tf.TensorSpec([None, None, None, 3], tf.float32, name=INPUT_NAME), _from_images
    ),
    "encoded_image_string_tensor": InputType(
        tf.TensorSpec([None], tf.string, name=INPUT_NAME), _from_encoded
    ),
    "tf_example": InputType(tf.TensorSpec([None], tf.string, name=INPUT_NAME), _from_examples),
}
INPUT_TYPES = tuple(_INPUT_TYPES)
