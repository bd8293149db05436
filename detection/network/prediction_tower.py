"""A tower of the box predictor: kernels shared over pyramid levels, batch normalisation per level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from detection.network.batch_norm import BatchNorm
from detection.network.convolutions import Convolution, SeparableConvolution
from detection.network.hyperparameters import LayerSettings
from detection.network.variables import VariableFactory

PREDICTOR_SCOPE = "WeightSharedConvolutionalBoxPredictor"


@dataclass(frozen=True)
class TowerSettings:
    """What the towers of a predictor share.

    Attributes:
        layers: Initialiser, penalty, normalisation and activation.
        layer_count: Convolutions before the head.
        depth: Output channels of each.
        kernel_size: Side of their kernels.
        use_depthwise: Separable instead of plain convolutions.
        input_channels: Channels of the pyramid's maps.
        level_count: Number of pyramid levels.
    """

    layers: LayerSettings
    layer_count: int
    depth: int
    kernel_size: int
    use_depthwise: bool
    input_channels: int
    level_count: int

    @property
    def output_channels(self) -> int:
        """Channels that the heads see."""
        return self.depth if self.layer_count else self.input_channels


class _Activation(tf.Module):
    """Keeps the activation's place in the list, because checkpoints count it."""


class PredictionTower:
    """Convolution, batch normalisation and activation, ``layer_count`` times (OD_API_SPEC section 3).

    Not a ``tf.Module``: the predictor lists its layers where the reference's checkpoints have them.

    Args:
        variables: Makes the variables.
        name: ``PredictionTower``, ``BoxPredictionTower`` or ``ClassPredictionTower``.
        settings: Of the towers.
    """

    def __init__(self, variables: VariableFactory, name: str, settings: TowerSettings) -> None:
        kind: Any = SeparableConvolution if settings.use_depthwise else Convolution
        scope = f"{PREDICTOR_SCOPE}/{name}"
        self.convolutions = []
        for number in range(settings.layer_count):
            inputs = settings.depth if number else settings.input_channels
            self.convolutions.append(
                kind(
                    variables,
                    f"{scope}/conv2d_{number}",
                    settings.kernel_size,
                    (inputs, settings.depth),
                    settings.layers.kernel,
                    bias=settings.layers.tower_bias,
                )
            )
        batch_norm = settings.layers.batch_norm
        self._level_count = settings.level_count
        self._activation = settings.layers.activation
        self.batch_norms = [
            [
                BatchNorm(
                    variables,
                    f"{scope}/conv2d_{number}/BatchNorm/feature_{level}",
                    settings.depth,
                    batch_norm,
                )
                for number in range(settings.layer_count)
                if batch_norm is not None
            ]
            for level in range(settings.level_count)
        ]

    def __call__(self, features: tf.Tensor, level: int, training: bool) -> tf.Tensor:
        """[B, H, W, C] of one pyramid level (0 is the finest) to [B, H, W, depth]."""
        for number, convolution in enumerate(self.convolutions):
            features = convolution(features)
            if self.batch_norms[level]:
                features = self.batch_norms[level][number](features, training)
            features = self._activation(features)
        return features

    def level_lists(self) -> list[list[tf.Module]]:
        """The layers of each level in order of computation, as checkpoints count them."""
        lists = []
        for norms in self.batch_norms:
            layers: list[tf.Module] = []
            for number, convolution in enumerate(self.convolutions):
                layers += [convolution, *norms[number : number + 1], _Activation()]
            lists.append(layers)
        return lists

    def layers_with_variables(self) -> list[Any]:
        """Layers in the reference's order: convolutions with the first level's norms, then other norms."""
        first, *others = self.batch_norms
        layers: list[Any] = []
        for number, convolution in enumerate(self.convolutions):
            layers += [convolution, *first[number : number + 1]]
        return layers + [norm for norms in others for norm in norms]
