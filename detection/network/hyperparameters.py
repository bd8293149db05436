"""From a ``Hyperparams`` message to what layers are built with (OD_API_SPEC sections 1.3, 1.4, 3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

import tensorflow as tf

from detection.config import pipeline_pb2 as pb
from detection.errors import ConfigError
from detection.network.batch_norm import BatchNormSettings
from detection.network.convolutions import Bias, KernelSettings
from detection.network.initializers import Initializer, random_normal, truncated_normal, variance_scaling

Activation = Callable[[tf.Tensor], tf.Tensor]


def _identity(features: tf.Tensor) -> tf.Tensor:
    return features


ACTIVATIONS: dict[str, Activation] = {
    "NONE": _identity,
    "RELU": tf.nn.relu,
    "RELU_6": tf.nn.relu6,
    "SWISH": tf.nn.silu,
}


@dataclass(frozen=True)
class LayerSettings:
    """What the convolutional layers of one part of the network are built with.

    Attributes:
        kernel: Start and penalty of the kernels.
        activation: The function after a batch normalisation.
        batch_norm: The normalisation after a convolution, or None.
        force_use_bias: Give convolutions a bias although they are normalised.
    """

    kernel: KernelSettings
    activation: Activation
    batch_norm: BatchNormSettings | None
    force_use_bias: bool = False

    @property
    def pyramid_bias(self) -> Bias | None:
        """The bias of a pyramid's 3x3 convolution: where no normalisation centres its output, or by force."""
        centred = self.batch_norm is not None and self.batch_norm.center
        return Bias() if self.force_use_bias or not centred else None

    @property
    def tower_bias(self) -> Bias | None:
        """The bias of a prediction tower's convolution: where nothing normalises its output, or by force."""
        return Bias() if self.force_use_bias or self.batch_norm is None else None


def layer_settings(hyperparams: pb.Hyperparams, field: str, *, frozen: bool) -> LayerSettings:
    """Reads a ``conv_hyperparams`` message.

    Args:
        hyperparams: The message.
        field: Its path in the pipeline config, for errors.
        frozen: Whether batch normalisations keep their moving statistics (``freeze_batchnorm``).

    Raises:
        ConfigError: The message asks for something that is not supported.
    """
    if hyperparams.op != pb.Hyperparams.CONV:
        _refuse(f"{field}.op", pb.Hyperparams.Op.Name(hyperparams.op), "CONV")
    kernel = KernelSettings(_initializer(hyperparams, field), _l2_factor(hyperparams, field))
    activation = ACTIVATIONS[pb.Hyperparams.Activation.Name(hyperparams.activation)]
    batch_norm = _batch_norm(hyperparams, field, frozen)
    return LayerSettings(kernel, activation, batch_norm, hyperparams.force_use_bias)


def _initializer(hyperparams: pb.Hyperparams, field: str) -> Initializer:
    chosen = hyperparams.initializer.WhichOneof("initializer_oneof")
    message = hyperparams.initializer
    if chosen == "truncated_normal_initializer":
        cut = message.truncated_normal_initializer
        return truncated_normal(cut.mean, cut.stddev)
    if chosen == "random_normal_initializer":
        normal = message.random_normal_initializer
        return random_normal(normal.mean, normal.stddev)
    if chosen == "variance_scaling_initializer":
        scaling = message.variance_scaling_initializer
        mode = pb.VarianceScalingInitializer.Mode.Name(scaling.mode).lower()
        return variance_scaling(scaling.factor, mode, scaling.uniform)
    known = "truncated_normal_initializer, random_normal_initializer or variance_scaling_initializer"
    _refuse(f"{field}.initializer", chosen or "nothing", known)


def _l2_factor(hyperparams: pb.Hyperparams, field: str) -> float:
    chosen = hyperparams.regularizer.WhichOneof("regularizer_oneof")
    if chosen is None:
        return 0.0
    if chosen != "l2_regularizer":
        _refuse(f"{field}.regularizer", chosen, "l2_regularizer")
    return hyperparams.regularizer.l2_regularizer.weight / 2


def _batch_norm(hyperparams: pb.Hyperparams, field: str, frozen: bool) -> BatchNormSettings | None:
    chosen = hyperparams.WhichOneof("normalizer_oneof")
    if chosen is None:
        return None
    if chosen != "batch_norm":
        _refuse(f"{field}.{chosen}", "set", "batch_norm, or no normalisation")
    message = hyperparams.batch_norm
    return BatchNormSettings(message.decay, message.epsilon, message.center, message.scale, frozen)


def _refuse(field: str, found: str, expected: str) -> NoReturn:
    raise ConfigError(
        "The network cannot be built as configured.", field=field, found=found, expected=expected
    )
