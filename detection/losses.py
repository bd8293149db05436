"""The training losses of SSD (OD_API_SPEC section 6).

Class losses have their gradients written out. Nearly all of their time goes into the class scores of
anchors that are not matched, [B, A, C + 1] numbers: differentiating op by op keeps and reads a dozen
tensors of that size.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from detection.box_coding import CODE_SIZE
from detection.config import pipeline_pb2 as pb
from detection.errors import ConfigError
from detection.target_assignment import Targets

AnchorLoss = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


class LossRule(NamedTuple):
    """The losses of ``model.ssd.loss`` and how they are put together.

    Attributes:
        classification: (logits [..., D], targets broadcastable to them) -> [...], unweighted, summed over D.
        localization: (codes [M, 4], target codes [M, 4], weights [M]) -> [M], weighted, summed over the
            codes.
        classification_weight: Factor of the classification loss.
        localization_weight: Factor of the localization loss.
        normalize_by_num_matches: Divide by the sum of the box weights in the batch, at least 1.
        normalize_by_code_size: Divide the localization loss also by 4.
    """

    classification: AnchorLoss
    localization: Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]
    classification_weight: float = 1.0
    localization_weight: float = 1.0
    normalize_by_num_matches: bool = True
    normalize_by_code_size: bool = False


class DetectionLosses(NamedTuple):
    """Scalars, float32."""

    localization: tf.Tensor
    classification: tf.Tensor


def loss_rule(ssd: pb.Ssd) -> LossRule:
    """The losses that ``model.ssd`` asks for.

    Raises:
        ConfigError: A loss or a sampler that is not supported.
    """
    loss = ssd.loss
    for name in ("hard_example_miner", "random_example_sampler", "equalization_loss"):
        if loss.HasField(name):
            raise ConfigError(
                "this way of sampling the loss is not supported",
                field=f"model.ssd.loss.{name}",
                found="set",
                expected="not set: focal loss needs no sampling",
            )
    return LossRule(
        classification=_classification_loss(loss.classification_loss),
        localization=_localization_loss(loss.localization_loss),
        classification_weight=loss.classification_weight,
        localization_weight=loss.localization_weight,
        normalize_by_num_matches=ssd.normalize_loss_by_num_matches,
        normalize_by_code_size=ssd.normalize_loc_loss_by_codesize,
    )


def detection_losses(
    box_encodings: tf.Tensor, class_logits: tf.Tensor, targets: Targets, rule: LossRule
) -> DetectionLosses:
    """Losses of a batch.

    Args:
        box_encodings: float32 [B, A, 4], predicted codes.
        class_logits: float32 [B, A, D], with the background column where the model has one.
        targets: The batch's targets.
        rule: Which losses.

    Returns:
        The two scalars. Anchors that are not matched add nothing to the localization loss, so only matched
        ones are looked at.
    """
    at, weights = targets.matched_at, targets.matched_weights
    boxes = tf.reduce_sum(rule.localization(tf.gather_nd(box_encodings, at), targets.matched_codes, weights))
    matched = tf.reduce_sum(
        rule.classification(tf.gather_nd(class_logits, at), targets.matched_classes) * weights
    )
    others = tf.reduce_sum(
        rule.classification(class_logits, targets.unmatched_class) * targets.unmatched_weights
    )
    count = tf.maximum(tf.reduce_sum(weights), 1.0) if rule.normalize_by_num_matches else 1.0
    code_size = float(CODE_SIZE) if rule.normalize_by_code_size else 1.0
    return DetectionLosses(
        localization=rule.localization_weight * boxes / (count * code_size),
        classification=rule.classification_weight * (matched + others) / count,
    )


def sigmoid_focal_loss(gamma: float, alpha: float | None) -> AnchorLoss:
    """Focal loss (Lin et al. 2017, arXiv:1708.02002), summed over the classes.

    Args:
        gamma: Exponent of the modulating factor; 0 drops it.
        alpha: Weight of targets 1 against 1 - alpha for targets 0; None drops it.
    """

    @tf.custom_gradient
    def loss(logits: tf.Tensor, targets: tf.Tensor) -> tuple[tf.Tensor, Callable]:
        probabilities = tf.sigmoid(logits)
        entropy = _sigmoid_cross_entropy(logits, targets)
        # 1 - p_t, how far the prediction is from its target
        miss = probabilities + targets - 2.0 * targets * probabilities
        balance = 1.0 if alpha is None else targets * alpha + (1.0 - targets) * (1.0 - alpha)
        value = tf.reduce_sum(balance * _power(miss, gamma) * entropy, axis=-1)

        def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, None]:
            slope = _power(miss, gamma) * (probabilities - targets)
            if gamma:
                miss_slope = (1.0 - 2.0 * targets) * probabilities * (1.0 - probabilities)
                # Below 1, the power has no bound where nothing is missed, and the factor beside it is 0 there.
                base = miss if gamma >= 1.0 else tf.maximum(miss, 1e-30)
                slope += gamma * _power(base, gamma - 1.0) * miss_slope * entropy
            return upstream[..., None] * balance * slope, None

        return value, gradient

    return loss


def sigmoid_cross_entropy_loss() -> AnchorLoss:
    """Cross-entropy of independent classes, summed over the classes."""

    @tf.custom_gradient
    def loss(logits: tf.Tensor, targets: tf.Tensor) -> tuple[tf.Tensor, Callable]:
        def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, None]:
            return upstream[..., None] * (tf.sigmoid(logits) - targets), None

        return tf.reduce_sum(_sigmoid_cross_entropy(logits, targets), axis=-1), gradient

    return loss


def smooth_l1_loss(codes: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor, delta: float = 1.0) -> tf.Tensor:
    """Huber loss summed over the codes; a target that is not a number costs nothing.

    Args:
        codes: float32 [M, 4].
        targets: float32 [M, 4].
        weights: float32 [M].
        delta: Where the square turns into a line.

    Returns:
        float32 [M].
    """
    error = tf.abs(codes - _known(targets, codes))
    quadratic = tf.minimum(error, delta)
    return weights * tf.reduce_sum(0.5 * tf.square(quadratic) + delta * (error - quadratic), axis=-1)


def l2_loss(codes: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Half the squared distance of the codes; the weight is squared too, as in the OD API."""
    return 0.5 * tf.reduce_sum(tf.square(weights[..., None] * (codes - targets)), axis=-1)


def _known(targets: tf.Tensor, codes: tf.Tensor) -> tf.Tensor:
    return tf.where(tf.math.is_nan(targets), tf.stop_gradient(codes), targets)


def _sigmoid_cross_entropy(logits: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    # log(1 + exp(x)) - x t, in the form that neither overflows nor loses small values
    return tf.nn.relu(logits) - logits * targets + tf.math.log1p(tf.exp(-tf.abs(logits)))


def _power(base: tf.Tensor, exponent: float) -> tf.Tensor | float:
    if exponent == 0.0:
        return 1.0
    if exponent == 1.0:
        return base
    if exponent == 2.0:
        return tf.square(base)
    return tf.pow(base, exponent)


def _classification_loss(config: pb.ClassificationLoss) -> AnchorLoss:
    kind = config.WhichOneof("classification_loss")
    if kind == "weighted_sigmoid_focal":
        focal = config.weighted_sigmoid_focal
        return sigmoid_focal_loss(focal.gamma, focal.alpha if focal.HasField("alpha") else None)
    if kind == "weighted_sigmoid":
        return sigmoid_cross_entropy_loss()
    raise ConfigError(
        "this classification loss is not supported",
        field="model.ssd.loss.classification_loss",
        found=kind or "nothing",
        expected="weighted_sigmoid_focal or weighted_sigmoid",
    )


def _localization_loss(
    config: pb.LocalizationLoss,
) -> Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]:
    kind = config.WhichOneof("localization_loss")
    if kind == "weighted_smooth_l1":
        delta = config.weighted_smooth_l1.delta
        return lambda codes, targets, weights: smooth_l1_loss(codes, targets, weights, delta)
    if kind == "weighted_l2":
        return l2_loss
    raise ConfigError(
        "this localization loss is not supported",
        field="model.ssd.loss.localization_loss",
        found=kind or "nothing",
        expected="weighted_smooth_l1 or weighted_l2",
    )
