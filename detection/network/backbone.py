"""What backbones have in common: layers registered under the checkpoint's names, in its order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from detection.network.batch_norm import BatchNorm


class Backbone(tf.Module):
    """A feed-forward network whose layers are reached as ``layer_with_weights-N`` (OD_API_SPEC section 11).

    ``N`` counts the layers that own variables, in the order in which they are registered.
    """

    def __init__(self) -> None:
        super().__init__()
        self._layer_count = 0

    def _register(self, layer: Any) -> Any:
        setattr(self, f"layer_with_weights-{self._layer_count}", layer)
        self._layer_count += 1
        return layer

    def layers_with_weights(self) -> list[Any]:
        """The registered layers, in order."""
        return [getattr(self, f"layer_with_weights-{number}") for number in range(self._layer_count)]

    def output_channels(self) -> dict[int, int]:
        """Channels of each tap by pyramid level 2 to 5 (stride ``2**level``)."""
        raise NotImplementedError

    def __call__(self, images: tf.Tensor, training: bool) -> dict[int, tf.Tensor]:
        """Taps by pyramid level: level 2 to 5 of [B, H / 2**level, W / 2**level, C]."""
        raise NotImplementedError


def trainable_of(layers: Sequence[Any]) -> list[tf.Variable]:
    """Trainable variables of some layers, in their order."""
    return [variable for layer in layers for variable in layer.trainable()]


def moving_of(layers: Sequence[Any]) -> list[tf.Variable]:
    """Moving means and variances of those of some layers that are batch normalisations."""
    return [
        variable
        for layer in layers
        if isinstance(layer, BatchNorm)
        for variable in (layer.moving_mean, layer.moving_variance)
    ]


def penalties_of(layers: Sequence[Any]) -> list[tuple[tf.Variable, float]]:
    """Penalised kernels of some layers with their factors."""
    return [penalty for layer in layers if not isinstance(layer, BatchNorm) for penalty in layer.penalties()]
