"""The heads of the box predictor: from a tower's features to box codes and class logits."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from detection.network.convolutions import (
    GLOROT_KERNEL,
    Bias,
    Convolution,
    KernelSettings,
    SeparableConvolution,
)
from detection.network.prediction_tower import PREDICTOR_SCOPE
from detection.network.variables import VariableFactory


def head_convolution(
    variables: VariableFactory,
    name: str,
    channels: tuple[int, int],
    kernel: KernelSettings,
    *,
    kernel_size: int,
    use_depthwise: bool,
    bias_initial: float,
) -> Convolution | SeparableConvolution:
    """The one, always biased, convolution of a head.

    A separable one is Glorot-uniform in both kernels and not penalised (OD_API_SPEC section 3).
    """
    scoped, bias = f"{PREDICTOR_SCOPE}/{name}", Bias(bias_initial)
    if use_depthwise:
        return SeparableConvolution(variables, scoped, kernel_size, channels, GLOROT_KERNEL, bias=bias)
    return Convolution(variables, scoped, kernel_size, channels, kernel, bias=bias)


class BoxHead(tf.Module):
    """Box codes: [B, H, W, C] to [B, H*W*K, 4], anchors in the order (y, x, k)."""

    def __init__(
        self, convolution: Convolution | SeparableConvolution, clip_range: tuple[float, float] | None
    ) -> None:
        super().__init__()
        self._box_encoder_layers = [convolution]
        self._clip = _ClipRange(clip_range)

    @property
    def convolution(self) -> Convolution | SeparableConvolution:
        """The layer with the head's variables."""
        return self._box_encoder_layers[0]

    def __call__(self, features: tf.Tensor) -> tf.Tensor:
        """Box codes as float32."""
        codes = flatten_anchors(self.convolution(features), 4)
        return codes if self._clip.limits is None else tf.clip_by_value(codes, *self._clip.limits)


class ClassHead(tf.Module):
    """Class logits: [B, H, W, C] to [B, H*W*K, columns]; column 0 is the background where there is one.

    Args:
        convolution: The layer with the head's variables.
        columns: Logits of one anchor.
        drop_rate: Share of the features that training drops, or None for no dropout.
        gives_scores: Apply the sigmoid here (``score_converter: SIGMOID`` outside training).
    """

    def __init__(
        self,
        convolution: Convolution | SeparableConvolution,
        *,
        columns: int,
        drop_rate: float | None,
        gives_scores: bool,
    ) -> None:
        super().__init__()
        # A dropout layer has a place of its own in checkpoints, before the convolution.
        dropout: list[Any] = [] if drop_rate is None else [_Dropout(drop_rate)]
        self._class_predictor_layers = [*dropout, convolution]
        self._columns = columns
        self._gives_scores = gives_scores

    @property
    def convolution(self) -> Convolution | SeparableConvolution:
        """The layer with the head's variables."""
        return self._class_predictor_layers[-1]

    def __call__(self, features: tf.Tensor, training: bool) -> tf.Tensor:
        """Class logits (or scores) as float32."""
        for dropout in self._class_predictor_layers[:-1]:
            features = dropout(features, training)
        logits = flatten_anchors(self.convolution(features), self._columns)
        return tf.sigmoid(logits) if self._gives_scores else logits


def flatten_anchors(predictions: tf.Tensor, columns: int) -> tf.Tensor:
    """[B, H, W, K * columns] to float32 [B, H*W*K, columns]."""
    _, height, width, channels = predictions.shape
    known = height is not None and width is not None
    anchors = height * width * (channels // columns) if known else -1
    # A reshape leaves one size open: the batch where the map's size is known.
    batch = -1 if known else tf.shape(predictions)[0]
    return tf.cast(tf.reshape(predictions, [batch, anchors, columns]), tf.float32)


class _Dropout(tf.Module):
    def __init__(self, rate: float) -> None:
        super().__init__()
        self._rate = rate

    def __call__(self, features: tf.Tensor, training: bool) -> tf.Tensor:
        return tf.nn.dropout(features, self._rate) if training else features


class _ClipRange:
    """A holder that checkpoints do not look into."""

    def __init__(self, limits: tuple[float, float] | None) -> None:
        self.limits = limits
