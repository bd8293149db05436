"""Inference: preprocessing, backbone, feature maps, predictions, anchors and post-processing."""

from __future__ import annotations

from collections.abc import Iterator

import tensorflow as tf

from detection.checkpoints.restoring import restore_model
from detection.detector import Predictions, SsdDetector
from detection.parity.comparison import EXACT, NETWORK, SAME_FORMULA, Comparison, compare
from detection.parity.recording import Recording


def compare_inference(recording: Recording) -> Iterator[Comparison]:
    """Every recorded tensor of inference; later parts start from recorded inputs: errors do not add up."""
    tensors = recording.tensors
    detector = SsdDetector(recording.config.model, is_training=False)
    restore_model(detector.network, recording.checkpoint)
    if "images_uint8" in tensors:
        yield from _preprocessing(detector, recording)
    predictions = _predict(detector, tf.constant(tensors["preprocessed"]))
    yield from _network(detector, predictions, recording)
    yield compare("anchors", predictions.anchors_yxyx, tensors["anchors"], SAME_FORMULA)
    yield from _postprocessing(detector, predictions, recording)


def _predict(detector: SsdDetector, images: tf.Tensor) -> Predictions:
    predict = tf.function(lambda batch: detector.predict(batch, training=False))
    return predict(images)


def _preprocessing(detector: SsdDetector, recording: Recording) -> Iterator[Comparison]:
    images = tf.constant(recording.tensors["images_uint8"])
    preprocessed, shapes = tf.map_fn(
        detector.preprocess,
        tf.cast(images, tf.float32),
        fn_output_signature=(tf.TensorSpec([None, None, 3]), tf.TensorSpec([3], tf.int32)),
    )
    yield compare("preprocessed", preprocessed, recording.tensors["preprocessed"], EXACT)
    yield compare("true_image_shapes", shapes, recording.tensors["true_image_shapes"], EXACT)


def _network(detector: SsdDetector, predictions: Predictions, recording: Recording) -> Iterator[Comparison]:
    tensors = recording.tensors
    recorded_taps = recording.with_prefix("backbone_C")
    if recorded_taps:
        extractor = detector.network._feature_extractor
        taps = tf.function(lambda batch: extractor.classification_backbone(batch, False))(
            tf.constant(tensors["preprocessed"])
        )
        for number, recorded in recorded_taps.items():
            yield compare(f"backbone_C{number}", taps[int(number)], recorded, NETWORK)
    first = recording.config.model.ssd.feature_extractor.fpn.min_level
    for level, ours in enumerate(predictions.feature_maps, start=first):
        name = f"feature_map_P{level}"
        if name in tensors:
            yield compare(name, ours, tensors[name], NETWORK)
    for name in ("box_encodings", "class_predictions_with_background"):
        yield compare(name, getattr(predictions, name), tensors[name], NETWORK)


def _postprocessing(
    detector: SsdDetector, predictions: Predictions, recording: Recording
) -> Iterator[Comparison]:
    recorded = recording.with_prefix("post_")
    if not recorded:
        return
    tensors = recording.tensors
    given = predictions._replace(
        box_encodings=tf.constant(tensors["box_encodings"]),
        class_predictions_with_background=tf.constant(tensors["class_predictions_with_background"]),
    )
    found = tf.function(detector.postprocess)(given, tf.constant(tensors["true_image_shapes"]))
    for name, value in recorded.items():
        yield compare(f"post_{name}", found[name], value, SAME_FORMULA)
