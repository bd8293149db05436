"""MobileNet V2 as a backbone (Sandler et al. 2018; OD_API_SPEC sections 1.2 and 1.3)."""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow as tf

from detection.network.backbone import Backbone
from detection.network.batch_norm import BatchNorm, BatchNormSettings
from detection.network.convolutions import Convolution, DepthwiseConvolution, KernelSettings
from detection.network.hyperparameters import Activation, LayerSettings
from detection.network.initializers import truncated_normal
from detection.network.variables import VariableFactory

_EXPANSION = 6
# Nominal output channels and stride of blocks 0 to 16.
_BLOCKS = (
    *((16, 1),),
    *((24, 2), (24, 1)),
    *((32, 2), (32, 1), (32, 1)),
    *((64, 2), (64, 1), (64, 1), (64, 1)),
    *((96, 1), (96, 1), (96, 1)),
    *((160, 2), (160, 1), (160, 1)),
    *((320, 1),),
)
_TAPPED_BLOCKS = {2: 2, 5: 3, 12: 4}
_HEAD_CHANNELS = 1280


def default_settings(*, frozen: bool) -> LayerSettings:
    """The backbone's own settings, without ``override_base_feature_extractor_hyperparams``."""
    kernel = KernelSettings(truncated_normal(0.0, 0.09), l2=2e-5)
    return LayerSettings(kernel, tf.nn.relu6, BatchNormSettings(0.9997, 1e-3, frozen=frozen))


def round_to_eight(channels: float) -> int:
    """The nearest multiple of 8, at least 8 and not below 0.9 times the value."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


@dataclass(frozen=True)
class BlockWidths:
    """Channels of one inverted residual block.

    Attributes:
        inputs: Channels that come in.
        expanded: Channels of its depthwise convolution.
        outputs: Channels that go out.
        stride: 1 or 2.
        has_residual: Whether the input is added to the output.
    """

    inputs: int
    expanded: int
    outputs: int
    stride: int
    has_residual: bool


@dataclass(frozen=True)
class MobileNetV2Widths:
    """Channels of the whole network: stem, blocks 0 to 16, head."""

    stem: int
    blocks: tuple[BlockWidths, ...]
    head: int


def mobilenet_v2_widths(depth_multiplier: float, min_depth: int) -> MobileNetV2Widths:
    """Channels for a width multiplier, with the reference's rounding rules.

    ``min_depth`` is a floor on stem and projections, not on expansions. Whether a block has a residual
    is decided by the width before that floor.
    """
    stem = max(round_to_eight(32 * depth_multiplier), min_depth)
    inputs, blocks = stem, []
    for number, (channels, stride) in enumerate(_BLOCKS):
        nominal = round_to_eight(int(channels * depth_multiplier))
        outputs = max(nominal, min_depth)
        expanded = inputs if number == 0 else _EXPANSION * inputs
        has_residual = number > 0 and stride == 1 and inputs == nominal
        blocks.append(BlockWidths(inputs, expanded, outputs, stride, has_residual))
        inputs = outputs
    head = round_to_eight(_HEAD_CHANNELS * depth_multiplier) if depth_multiplier < 1 else _HEAD_CHANNELS
    return MobileNetV2Widths(stem, tuple(blocks), head)


class _InvertedResidual:
    """Expand 1x1, depthwise 3x3, project 1x1; owns no variables itself, its layers are the backbone's."""

    def __init__(
        self, backbone: MobileNetV2, variables: VariableFactory, number: int, widths: BlockWidths
    ) -> None:
        name = f"block_{number}" if number else "expanded_conv"
        self._activation: Activation = backbone.settings.activation
        self._has_residual = widths.has_residual
        self._expand = (
            backbone.add_convolution(
                variables, f"{name}_expand", f"{name}_expand_BN", 1, (widths.inputs, widths.expanded), 1
            )
            if number
            else None
        )
        self._depthwise = backbone.add_depthwise(
            variables, f"{name}_depthwise", widths.expanded, widths.stride
        )
        self._project = backbone.add_convolution(
            variables, f"{name}_project", f"{name}_project_BN", 1, (widths.expanded, widths.outputs), 1
        )

    def __call__(self, features: tf.Tensor, training: bool) -> tf.Tensor:
        output = features
        if self._expand is not None:
            convolution, batch_norm = self._expand
            output = self._activation(batch_norm(convolution(output), training))
        convolution, batch_norm = self._depthwise
        output = self._activation(batch_norm(convolution(output), training))
        convolution, batch_norm = self._project
        output = batch_norm(convolution(output), training)
        return features + output if self._has_residual else output


class MobileNetV2(Backbone):
    """MobileNet V2 up to its last 1x1 convolution.

    Args:
        variables: Makes the variables.
        settings: Of every layer; its ``batch_norm`` must be there.
        depth_multiplier: Width multiplier, called alpha in the paper.
        min_depth: Fewest channels of stem and projections.
        explicit_padding: Pad symmetrically instead of TensorFlow's SAME.
    """

    def __init__(
        self,
        variables: VariableFactory,
        settings: LayerSettings,
        *,
        depth_multiplier: float,
        min_depth: int,
        explicit_padding: bool,
    ) -> None:
        super().__init__()
        self.settings = settings
        self._explicit_padding = explicit_padding
        widths = mobilenet_v2_widths(depth_multiplier, min_depth)
        self._widths = widths
        stem = self.add_convolution(variables, "Conv1", "bn_Conv1", 3, (3, widths.stem), 2)
        blocks = [
            _InvertedResidual(self, variables, number, block) for number, block in enumerate(widths.blocks)
        ]
        last_channels = widths.blocks[-1].outputs
        head = self.add_convolution(variables, "Conv_1", "Conv_1_bn", 1, (last_channels, widths.head), 1)
        self._plan = _Plan(stem, blocks, head)

    def add_convolution(
        self,
        variables: VariableFactory,
        name: str,
        batch_norm_name: str,
        kernel_size: int,
        channels: tuple[int, int],
        stride: int,
    ) -> tuple[Convolution, BatchNorm]:
        """Registers a convolution and its batch normalisation."""
        convolution = Convolution(
            variables,
            name,
            kernel_size,
            channels,
            self.settings.kernel,
            stride=stride,
            explicit_padding=self._explicit_padding,
        )
        return self._register(convolution), self._add_batch_norm(variables, batch_norm_name, channels[1])

    def add_depthwise(
        self, variables: VariableFactory, name: str, channels: int, stride: int
    ) -> tuple[DepthwiseConvolution, BatchNorm]:
        """Registers a 3x3 depthwise convolution and its batch normalisation."""
        convolution = DepthwiseConvolution(
            variables,
            name,
            3,
            channels,
            self.settings.kernel,
            stride=stride,
            explicit_padding=self._explicit_padding,
        )
        return self._register(convolution), self._add_batch_norm(variables, f"{name}_BN", channels)

    def _add_batch_norm(self, variables: VariableFactory, name: str, channels: int) -> BatchNorm:
        assert self.settings.batch_norm is not None
        return self._register(BatchNorm(variables, name, channels, self.settings.batch_norm))

    def output_channels(self) -> dict[int, int]:
        """Channels of each tap by pyramid level 2 to 5."""
        channels = {level: self._widths.blocks[number].outputs for number, level in _TAPPED_BLOCKS.items()}
        return {**channels, 5: self._widths.head}

    def __call__(self, images: tf.Tensor, training: bool) -> dict[int, tf.Tensor]:
        """Taps by pyramid level, of [B, H, W, 3] images in [-1, 1]."""
        activation = self.settings.activation
        convolution, batch_norm = self._plan.stem
        features = activation(batch_norm(convolution(images), training))
        taps = {}
        for number, block in enumerate(self._plan.blocks):
            features = block(features, training)
            if number in _TAPPED_BLOCKS:
                taps[_TAPPED_BLOCKS[number]] = features
        convolution, batch_norm = self._plan.head
        taps[5] = activation(batch_norm(convolution(features), training))
        return taps


@dataclass(frozen=True)
class _Plan:
    """The layers in the order of the computation. No list attribute: a checkpoint would list them twice."""

    stem: tuple[Convolution, BatchNorm]
    blocks: list[_InvertedResidual]
    head: tuple[Convolution, BatchNorm]
