"""Training: targets, losses, regularisation, and one forward and backward pass in training mode."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from detection.checkpoints.restoring import restore_model
from detection.detector import Predictions, SsdDetector
from detection.losses import detection_losses, loss_rule
from detection.matching import matching_rule
from detection.parity.comparison import (
    EXACT,
    SAME_FORMULA,
    TRAINING_NETWORK,
    Comparison,
    Tolerance,
    compare,
    compare_distance,
    worst,
)
from detection.parity.recording import Recording
from detection.target_assignment import Targets, assign_targets, dense_targets, target_rule

# A training-mode forward differs by the rounding above, and the losses and gradients with it.
_TRAINING_LOSS = Tolerance(0.0, relative=0.01)
_GLOBAL_NORM = Tolerance(0.0, relative=0.02)
# Gradients of single variables amplify rounding: weights perturbed by a relative 1e-5 move those of the small
# models by 10 to 25 % (distance by length). With the same kernels ours are within 0.3 % (MobileNet) and 7 %
# (ResNet) of the recorded ones; other processors round otherwise. A wrong sign, a factor of 2 or a missing term is
# 50 % and more.
_GRADIENT_NORM = Tolerance(0.25)
_GRADIENT = Tolerance(0.5)
_GRADIENT_FLOOR = 1e-4  # of the global norm: gradients that should be zero are nothing but rounding
_MOVING_STATISTICS = Tolerance(1e-2, relative=1e-3)
_LOSS_NAMES = ("localization", "classification", "regularization", "total")


def compare_targets_and_losses(recording: Recording) -> Iterator[Comparison]:
    """Targets from the recorded anchors and groundtruth, losses from the recorded predictions."""
    tensors, ssd = recording.tensors, recording.config.model.ssd
    if "match" not in tensors:
        return
    # As the OD API, which lets a box without area claim anchor 0: the recording holds such a box.
    matching = matching_rule(ssd.matcher, force_match_without_overlap=True)
    assign = tf.function(
        lambda groundtruth, anchors: assign_targets(groundtruth, anchors, matching, target_rule(ssd))
    )
    targets = assign(recording.groundtruth, tf.constant(tensors["anchors"]))
    yield from _targets(targets, recording)
    yield from _losses(targets, recording)


def _targets(targets: Targets, recording: Recording) -> Iterator[Comparison]:
    tensors, dense = recording.tensors, dense_targets(targets)
    class_weights = np.broadcast_to(dense.class_weights.numpy()[..., None], tensors["cls_weights"].shape)
    yield compare("match", targets.matches, tensors["match"], EXACT)
    yield compare("cls_targets", dense.class_targets, tensors["cls_targets"], SAME_FORMULA)
    yield compare("cls_weights", class_weights, tensors["cls_weights"], SAME_FORMULA)
    yield compare("reg_targets", dense.box_targets, tensors["reg_targets"], SAME_FORMULA)
    yield compare("reg_weights", dense.box_weights, tensors["reg_weights"], SAME_FORMULA)


def _losses(targets: Targets, recording: Recording) -> Iterator[Comparison]:
    tensors, rule = recording.tensors, loss_rule(recording.config.model.ssd)
    codes = tf.constant(tensors["box_encodings"])
    logits = tf.constant(tensors["class_predictions_with_background"])
    dense = dense_targets(targets)
    if "per_anchor_localization_loss" in tensors:
        boxes = rule.localization(codes, dense.box_targets, dense.box_weights)
        classes = rule.classification(logits, dense.class_targets) * dense.class_weights
        for name, ours in (("localization", boxes), ("classification", classes)):
            name = f"per_anchor_{name}_loss"
            yield compare(name, ours, tensors[name], SAME_FORMULA)
    found = detection_losses(codes, logits, targets, rule)
    yield compare(
        "eval_localization_loss", found.localization, tensors["eval_localization_loss"], SAME_FORMULA
    )
    yield compare(
        "eval_classification_loss", found.classification, tensors["eval_classification_loss"], SAME_FORMULA
    )


def compare_training(recording: Recording) -> Iterator[Comparison]:
    """One training-mode pass from the stored weights: predictions, losses, gradients, moving statistics."""
    tensors = recording.tensors
    detector = SsdDetector(recording.config.model, is_training=True, force_match_without_overlap=True)
    restore_model(detector.network, recording.checkpoint)
    regularization = tf.add_n([*detector.network.regularization_losses(), tf.zeros([])])
    yield compare("regularization_loss", regularization, tensors["regularization_loss"], SAME_FORMULA)
    if "train_box_encodings" not in tensors:
        return
    predictions, losses, gradients = _one_pass(detector, recording)
    for name in ("box_encodings", "class_predictions_with_background"):
        yield compare(f"train_{name}", getattr(predictions, name), tensors[f"train_{name}"], TRAINING_NETWORK)
    for name in _LOSS_NAMES:
        ours, recorded = losses[f"Loss/{name}_loss"], tensors[f"train_{name}_loss"]
        yield compare(f"train_{name}_loss", ours, recorded, _TRAINING_LOSS)
    norm = tf.linalg.global_norm(list(gradients.values()))
    yield compare("train_gradient_global_norm", norm, tensors["train_gradient_global_norm"], _GLOBAL_NORM)
    yield from _by_variable(gradients, detector, recording)


def _one_pass(
    detector: SsdDetector, recording: Recording
) -> tuple[Predictions, dict[str, tf.Tensor], dict[str, tf.Tensor]]:
    variables = recording.variables_by_key(detector)
    trainable = {key: variables[key] for key in recording.with_prefix("gradnorm:") if key in variables}

    @tf.function
    def one_pass(images: tf.Tensor) -> tuple:
        with tf.GradientTape() as tape:
            predictions = detector.predict(images, training=True)
            losses = detector.losses(predictions, recording.groundtruth)
        gradients = tape.gradient(losses["Loss/total_loss"], list(trainable.values()))
        return predictions, losses, gradients

    predictions, losses, gradients = one_pass(tf.constant(recording.tensors["preprocessed"]))
    return predictions, losses, dict(zip(trainable, gradients, strict=True))


def _by_variable(
    gradients: dict[str, tf.Tensor], detector: SsdDetector, recording: Recording
) -> Iterator[Comparison]:
    """One line for all gradients, one for all norms, one for all moving statistics."""
    variables = recording.variables_by_key(detector)
    nothing = np.zeros(0)
    floor = _GRADIENT_FLOOR * float(recording.tensors["train_gradient_global_norm"])
    norms = [
        compare_distance(
            key, tf.norm(gradients[key]) if key in gradients else nothing, recorded, _GRADIENT_NORM, floor
        )
        for key, recorded in recording.with_prefix("gradnorm:").items()
    ]
    elements = [
        compare_distance(key, gradients.get(key, nothing), recorded, _GRADIENT, floor)
        for key, recorded in recording.with_prefix("grad:").items()
    ]
    statistics = [
        compare(key, variables.get(key, nothing), recorded, _MOVING_STATISTICS)
        for key, recorded in recording.with_prefix("after_train_forward:").items()
    ]
    for name, found in (("gradnorm:*", norms), ("grad:*", elements), ("after_train_forward:*", statistics)):
        if found:
            yield worst(name, found)
