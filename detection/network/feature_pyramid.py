"""The feature pyramid on top of a backbone (Lin et al. 2017; OD_API_SPEC section 1.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from detection.network.backbone import moving_of, penalties_of, trainable_of
from detection.network.batch_norm import BatchNorm
from detection.network.convolutions import Bias, Convolution, SeparableConvolution
from detection.network.hyperparameters import LayerSettings
from detection.network.variables import VariableFactory


@dataclass(frozen=True)
class PyramidSettings:
    """What all layers of a pyramid share.

    Attributes:
        layers: Initialiser, penalty, normalisation and activation.
        depth: Channels of every level.
        use_depthwise: Separable instead of plain 3x3 convolutions.
        explicit_padding: Pad 3x3 convolutions symmetrically instead of TensorFlow's SAME.
        scope: First part of the variables' names.
    """

    layers: LayerSettings
    depth: int
    use_depthwise: bool
    explicit_padding: bool
    scope: str


class _PlaceInList(tf.Module):
    """A layer without variables. It only keeps its place in a list, because checkpoints count it."""


class ConvolutionBlock(tf.Module):
    """3x3 convolution, batch normalisation and activation: [B, H, W, depth] to [B, H', W', depth].

    Args:
        variables: Makes the variables.
        name: OD API name before ``_conv`` and ``_batchnorm``.
        settings: Of the pyramid.
        stride: 1 or 2.
    """

    def __init__(self, variables: VariableFactory, name: str, settings: PyramidSettings, stride: int) -> None:
        super().__init__()
        kind: Any = SeparableConvolution if settings.use_depthwise else Convolution
        suffix = "depthwise_conv" if settings.use_depthwise else "conv"
        self.convolution = kind(
            variables,
            f"{settings.scope}/{name}_{suffix}",
            3,
            (settings.depth, settings.depth),
            settings.layers.kernel,
            bias=settings.layers.pyramid_bias,
            stride=stride,
            explicit_padding=settings.explicit_padding,
        )
        batch_norm = settings.layers.batch_norm
        self.batch_norm = (
            BatchNorm(variables, f"{settings.scope}/{name}_batchnorm", settings.depth, batch_norm)
            if batch_norm is not None
            else None
        )
        self._activation = settings.layers.activation
        self._pads = settings.explicit_padding

    def __call__(self, features: tf.Tensor, training: bool) -> tf.Tensor:
        """[B, H, W, depth] to [B, H', W', depth], same dtype."""
        output = self.convolution(features)
        if self.batch_norm is not None:
            output = self.batch_norm(output, training)
        return self._activation(output)

    def with_variables(self) -> list[Any]:
        """Its layers that own variables."""
        return [layer for layer in (self.convolution, self.batch_norm) if layer is not None]

    def as_checkpoint_list(self) -> list[tf.Module]:
        """Its layers where the reference's checkpoints count them; a padding layer comes first."""
        places: list[tf.Module] = [_PlaceInList()] if self._pads else []
        return [*places, self.convolution, self.batch_norm or _PlaceInList(), _PlaceInList()]


def upsample_twice(features: tf.Tensor) -> tf.Tensor:
    """Repeats each pixel of [B, H, W, C] twice in both directions: [B, 2H, 2W, C].

    Two concatenations, which copy memory in whole rows, are several times faster on CPU than a resize
    operation and its gradient.
    """
    _, height, width, channels = features.shape
    batch = tf.shape(features)[0]
    height = tf.shape(features)[1] if height is None else height
    width = tf.shape(features)[2] if width is None else width
    wide = tf.reshape(tf.concat([features, features], 3), [batch, height, 2 * width, channels])
    return tf.reshape(tf.concat([wide, wide], 2), [batch, 2 * height, 2 * width, channels])


class TopDownPyramid(tf.Module):
    """Top-down pathway with lateral connections.

    The coarsest level is a 1x1 convolution alone. Every finer one adds the *smoothed* map of the level above
    to its lateral 1x1 convolution, then smooths (OD_API_SPEC section 16, quirk 3).

    Args:
        variables: Makes the variables.
        settings: Of the pyramid.
        tap_channels: Channels of the taps, fine to coarse.
    """

    def __init__(
        self, variables: VariableFactory, settings: PyramidSettings, tap_channels: Sequence[int]
    ) -> None:
        super().__init__()
        count = len(tap_channels)

        def projection(number: int) -> Convolution:
            return Convolution(
                variables,
                f"{settings.scope}/FeatureMaps/top_down/projection_{number}",
                1,
                (tap_channels[number - 1], settings.depth),
                settings.layers.kernel,
                bias=Bias(),
            )

        self.top_layers = [projection(count)]
        downwards = range(count - 1, 0, -1)
        self.residual_blocks = [[projection(number)] for number in downwards]
        self._smoothing = _Blocks(
            [
                ConvolutionBlock(variables, f"FeatureMaps/top_down/smoothing_{number}", settings, 1)
                for number in downwards
            ]
        )
        self.conv_layers = [block.as_checkpoint_list() for block in self._smoothing.blocks]
        self._crops = settings.explicit_padding

    def __call__(self, taps: Sequence[tf.Tensor], training: bool) -> list[tf.Tensor]:
        """Taps, fine to coarse, to as many maps of [B, H, W, depth], fine to coarse."""
        current = self.top_layers[0](taps[-1])
        maps = [current]
        for tap, lateral, smooth in zip(
            reversed(taps[:-1]), self.residual_blocks, self._smoothing.blocks, strict=True
        ):
            beside = lateral[0](tap)
            above = upsample_twice(current)
            if self._crops:
                above = above[:, : tf.shape(beside)[1], : tf.shape(beside)[2], :]
                above = tf.ensure_shape(above, beside.shape)
            current = smooth(above + beside, training)
            maps.append(current)
        return maps[::-1]

    def with_variables(self) -> list[Any]:
        """Its layers that own variables, in the reference's order."""
        laterals = [lateral[0] for lateral in self.residual_blocks]
        smoothing = [layer for block in self._smoothing.blocks for layer in block.with_variables()]
        return [self.top_layers[0], *laterals, *smoothing]


class FeatureExtractor(tf.Module):
    """Backbone, top-down pyramid and coarse levels.

    Args:
        variables: Makes the variables.
        backbone: Gives taps of levels 2 to 5.
        settings: Of pyramid and coarse levels.
        min_level: Finest level of the output.
        max_level: Coarsest level of the output.
        coarse_names: OD API names of the coarse levels, finest first.
    """

    def __init__(
        self,
        variables: VariableFactory,
        backbone: Any,
        settings: PyramidSettings,
        *,
        min_level: int,
        max_level: int,
        coarse_names: Sequence[str],
    ) -> None:
        super().__init__()
        self.classification_backbone = backbone
        channels = backbone.output_channels()
        self.tap_levels = range(min_level, min(max_level, 5) + 1)
        tapped = [channels[level] for level in self.tap_levels]
        self._fpn_features_generator = TopDownPyramid(variables, settings, tapped)
        self._coarse = _Blocks([ConvolutionBlock(variables, name, settings, 2) for name in coarse_names])
        self._coarse_feature_layers = [block.as_checkpoint_list() for block in self._coarse.blocks]

    def __call__(self, images: tf.Tensor, training: bool) -> list[tf.Tensor]:
        """Preprocessed [B, H, W, 3] to one [B, H / 2**level, W / 2**level, depth] a level, fine to coarse."""
        taps = self.classification_backbone(images, training)
        maps = self._fpn_features_generator([taps[level] for level in self.tap_levels], training)
        for block in self._coarse.blocks:
            maps.append(block(maps[-1], training))
        return maps

    def layers_with_variables(self) -> list[Any]:
        """Layers in the reference's order of variables: coarse levels, backbone, pyramid."""
        coarse = [layer for block in self._coarse.blocks for layer in block.with_variables()]
        backbone = self.classification_backbone.layers_with_weights()
        return [*coarse, *backbone, *self._fpn_features_generator.with_variables()]

    def trainable(self) -> list[tf.Variable]:
        """Trainable variables in the reference's order."""
        return trainable_of(self.layers_with_variables())

    def moving(self) -> list[tf.Variable]:
        """Moving statistics in the same order."""
        return moving_of(self.layers_with_variables())

    def penalties(self) -> list[tuple[tf.Variable, float]]:
        """Penalised kernels with their factors."""
        return penalties_of(self.layers_with_variables())


@dataclass(frozen=True)
class _Blocks:
    """Keeps blocks out of the checkpoint's object graph, which lists their layers at another path."""

    blocks: list[ConvolutionBlock]
