"""Batch normalisation on TensorFlow's fused operation (OD_API_SPEC section 2, "Batch normalisation")."""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow as tf

from detection.network.initializers import constant
from detection.network.variables import VariableFactory

# The fused operation's own floor (cuDNN's), which the reference's layer applies on every device.
_SMALLEST_EPSILON = 1.001e-5


@dataclass(frozen=True)
class BatchNormSettings:
    """What a batch normalisation is built with.

    Attributes:
        momentum: Share of the old moving statistic that an update keeps.
        epsilon: Added to the variance.
        center: Whether there is a beta.
        scale: Whether there is a gamma.
        frozen: Always normalise with the moving statistics and never update them.
    """

    momentum: float
    epsilon: float
    center: bool = True
    scale: bool = True
    frozen: bool = False


class BatchNorm(tf.Module):
    """Normalises each channel of [B, H, W, C] (Ioffe & Szegedy 2015).

    In training the biased batch variance normalises, while the moving variance takes in the
    Bessel-corrected one, ``var * N / (N - 1)`` with ``N = B*H*W``: that is what the fused operation returns.
    """

    def __init__(self, variables: VariableFactory, name: str, channels: int, settings: BatchNormSettings):
        super().__init__()
        self.settings = settings
        self.gamma = variables.weight(f"{name}/gamma", [channels], constant(1.0)) if settings.scale else None
        self.beta = variables.weight(f"{name}/beta", [channels], constant(0.0)) if settings.center else None
        self.moving_mean = variables.moving_statistic(f"{name}/moving_mean", channels, 0.0)
        self.moving_variance = variables.moving_statistic(f"{name}/moving_variance", channels, 1.0)
        self._channels = channels

    def __call__(self, features: tf.Tensor, training: bool) -> tf.Tensor:
        """[B, H, W, C] to [B, H, W, C] of the same dtype; updates the moving statistics when training."""
        learns = training and not self.settings.frozen
        normalised, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=features,
            scale=tf.ones([self._channels]) if self.gamma is None else self.gamma,
            offset=tf.zeros([self._channels]) if self.beta is None else self.beta,
            mean=self.moving_mean,
            variance=self.moving_variance,
            epsilon=max(self.settings.epsilon, _SMALLEST_EPSILON),
            # The operation returns moving * (1 - factor) + batch * factor.
            exponential_avg_factor=1.0 - self.settings.momentum if learns else 1.0,
            data_format="NHWC",
            is_training=learns,
        )
        if learns:
            self.moving_mean.assign(mean)
            self.moving_variance.assign(variance)
        return normalised

    def trainable(self) -> list[tf.Variable]:
        """Gamma and beta, as far as they exist."""
        return [variable for variable in (self.gamma, self.beta) if variable is not None]
