from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from detection.detector import SsdDetector
from detection.errors import ConfigError
from detection.groundtruth import EvalGroundtruth, Groundtruth


@pytest.fixture
def images() -> tf.Tensor:
    return tf.random.stateless_uniform([2, 64, 64, 3], [1, 2], -1.0, 1.0)


def groundtruth(**columns) -> Groundtruth:
    boxes = np.zeros((2, 10, 4), np.float32)
    boxes[0, 0], boxes[1, 0], boxes[1, 1] = [0.1, 0.1, 0.6, 0.6], [0.2, 0.3, 0.9, 0.9], [0.5, 0.5, 0.5, 0.8]
    classes = np.zeros((2, 10, 3), np.float32)
    classes[:, :2, 1] = 1.0
    weights = np.array([[1.0] + [0.0] * 9, [1.0, 1.0] + [0.0] * 8], np.float32)
    return Groundtruth(tf.constant(boxes), tf.constant(classes), tf.constant(weights))


def test_preprocess_normalises_and_then_resizes(tiny_config):
    detector = SsdDetector(tiny_config.model, is_training=False, seed=1)
    image = tf.fill([30, 50, 3], 255.0)
    found, true_shape = detector.preprocess(image)
    assert found.shape == (64, 64, 3) and true_shape.numpy().tolist() == [64, 64, 3]
    np.testing.assert_allclose(found, 1.0, atol=1e-6)
    assert detector.image_shape == (64, 64) and detector.num_classes == 3


def test_padding_is_zero_in_normalised_units(tiny_config):
    resizer = tiny_config.model.ssd.image_resizer.keep_aspect_ratio_resizer
    resizer.min_dimension, resizer.max_dimension, resizer.pad_to_max_dimension = 64, 64, True
    found, true_shape = SsdDetector(tiny_config.model, is_training=False).preprocess(tf.zeros([30, 60, 3]))
    assert true_shape.numpy().tolist() == [32, 64, 3]
    assert (found.numpy()[:32] == -1).all() and (found.numpy()[32:] == 0).all()


def test_detections_have_the_documented_shapes_and_dtypes(tiny_config, images):
    detector = SsdDetector(tiny_config.model, is_training=False, seed=1)
    found = tf.function(detector.detect)(images, tf.constant([[64, 64, 3]] * 2))
    anchors = 6 * (64 + 16 + 4 + 1 + 1)
    shapes = {
        "detection_boxes": [2, 100, 4],
        "detection_scores": [2, 100],
        "detection_classes": [2, 100],
        "detection_multiclass_scores": [2, 100, 4],
        "detection_anchor_indices": [2, 100],
        "num_detections": [2],
        "raw_detection_boxes": [2, anchors, 4],
        "raw_detection_scores": [2, anchors, 4],
    }
    assert {name: tensor.shape.as_list() for name, tensor in found.items()} == shapes
    for name, tensor in found.items():
        assert tensor.dtype == (tf.int32 if name == "detection_anchor_indices" else tf.float32)
        assert np.isfinite(tensor).all()


def test_losses_add_up_and_reach_every_trainable_variable(tiny_config, images):
    detector = SsdDetector(tiny_config.model, is_training=True, seed=1)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            losses = detector.losses(detector.predict(images, training=True), groundtruth())
        return losses, tape.gradient(losses["Loss/total_loss"], detector.network.trainable_variables)

    losses, gradients = step()
    parts = [float(value) for name, value in losses.items() if name != "Loss/total_loss"]
    assert set(losses) == {
        f"Loss/{name}_loss" for name in ("localization", "classification", "regularization", "total")
    }
    assert float(losses["Loss/total_loss"]) == pytest.approx(sum(parts)) and all(part > 0 for part in parts)
    assert all(gradient is not None for gradient in gradients)
    assert all(np.isfinite(tf.convert_to_tensor(gradient)).all() for gradient in gradients)


def test_regularization_can_be_left_out(tiny_config, images):
    detector = SsdDetector(tiny_config.model, is_training=True, seed=1)
    predictions = detector.predict(images, training=False)
    losses = detector.losses(predictions, groundtruth(), add_regularization_loss=False)
    assert set(losses) == {"Loss/localization_loss", "Loss/classification_loss", "Loss/total_loss"}


def test_the_groundtruth_of_evaluation_is_taken_too(tiny_config, images):
    detector = SsdDetector(tiny_config.model, is_training=False, seed=1)
    predictions, boxes = detector.predict(images, training=False), groundtruth()
    more = EvalGroundtruth(*boxes, labels=None, is_crowd=None, area=None)
    for name, value in detector.losses(predictions, boxes).items():
        assert float(detector.losses(predictions, more)[name]) == float(value)


def test_a_box_without_area_counts_only_as_the_od_api_counts_it(tiny_config, images):
    """Image 1 has one: it would force-match anchor 0 and teach it a code of about -80."""
    localization = []
    for force in (False, True):
        detector = SsdDetector(
            tiny_config.model, is_training=False, seed=1, force_match_without_overlap=force
        )
        losses = detector.losses(detector.predict(images, training=False), groundtruth())
        localization.append(float(losses["Loss/localization_loss"]))
    assert localization[1] > 2 * localization[0]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda model: model.center_net.SetInParent(), "model"),
        (lambda model: model.ssd.similarity_calculator.ioa_similarity.SetInParent(), "similarity_calculator"),
        (lambda model: model.ssd.box_coder.square_box_coder.SetInParent(), "box_coder"),
        (lambda model: model.ssd.anchor_generator.ssd_anchor_generator.SetInParent(), "anchor_generator"),
    ],
)
def test_other_parts_are_refused_by_name(tiny_config, change, field):
    change(tiny_config.model)
    with pytest.raises(ConfigError, match=field):
        SsdDetector(tiny_config.model, is_training=False)
