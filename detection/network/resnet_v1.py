"""ResNet V1 as a backbone (He et al. 2015; OD_API_SPEC section 2)."""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow as tf

from detection.network.backbone import Backbone
from detection.network.batch_norm import BatchNorm, BatchNormSettings
from detection.network.convolutions import Convolution, KernelSettings
from detection.network.hyperparameters import LayerSettings
from detection.network.initializers import variance_scaling
from detection.network.variables import VariableFactory

# Blocks in stages conv2 to conv5, by depth of the network.
BLOCKS_BY_DEPTH = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
_STEM_WIDTH = 64
_STAGE_WIDTHS = (64, 128, 256, 512)
_OUTPUT_FACTOR = 4
_FIRST_STAGE = 2


def default_settings(*, frozen: bool) -> LayerSettings:
    """The backbone's own settings, without ``override_base_feature_extractor_hyperparams``."""
    kernel = KernelSettings(variance_scaling(1.0, "fan_in", uniform=False), l2=1e-4)
    return LayerSettings(kernel, tf.nn.relu, BatchNormSettings(0.997, 1e-5, frozen=frozen))


class _Bottleneck:
    """1x1, 3x3 and 1x1 convolutions beside a shortcut; its layers are the backbone's.

    The stride sits on the first 1x1 convolution and on the shortcut (the "v1" placement).
    """

    def __init__(
        self,
        backbone: ResNetV1,
        variables: VariableFactory,
        name: str,
        channels: tuple[int, int, int],
        stride: int,
        has_shortcut_convolution: bool,
    ) -> None:
        inputs, inner, outputs = channels
        self._activation = backbone.settings.activation
        add = backbone.add_convolution
        self._first = add(variables, f"{name}_1_conv", 1, (inputs, inner), stride)
        self._first_norm = backbone.add_batch_norm(variables, f"{name}_1_bn", inner)
        self._second = add(variables, f"{name}_2_conv", 3, (inner, inner), 1)
        self._second_norm = backbone.add_batch_norm(variables, f"{name}_2_bn", inner)
        # Checkpoints number the shortcut's layers between those of the third convolution.
        self._shortcut = (
            add(variables, f"{name}_0_conv", 1, (inputs, outputs), stride)
            if has_shortcut_convolution
            else None
        )
        self._third = add(variables, f"{name}_3_conv", 1, (inner, outputs), 1)
        if has_shortcut_convolution:
            self._shortcut_norm = backbone.add_batch_norm(variables, f"{name}_0_bn", outputs)
        self._third_norm = backbone.add_batch_norm(variables, f"{name}_3_bn", outputs)

    def __call__(self, features: tf.Tensor, training: bool) -> tf.Tensor:
        shortcut = features
        if self._shortcut is not None:
            shortcut = self._shortcut_norm(self._shortcut(features), training)
        output = self._activation(self._first_norm(self._first(features), training))
        output = self._activation(self._second_norm(self._second(output), training))
        output = self._third_norm(self._third(output), training)
        return self._activation(shortcut + output)


class ResNetV1(Backbone):
    """ResNet 50, 101 or 152 without its classifier.

    Args:
        variables: Makes the variables.
        settings: Of every layer; its ``batch_norm`` must be there.
        depth: 50, 101 or 152.
        depth_multiplier: Width multiplier.
        min_depth: Fewest channels of any convolution.
    """

    def __init__(
        self,
        variables: VariableFactory,
        settings: LayerSettings,
        *,
        depth: int,
        depth_multiplier: float,
        min_depth: int,
    ) -> None:
        super().__init__()
        self.settings = settings

        def channels(width: int) -> int:
            return max(int(width * depth_multiplier), min_depth)

        inputs = channels(_STEM_WIDTH)
        stem = self.add_convolution(variables, "conv1_conv", 7, (3, inputs), 2, explicit_padding=True)
        stem_norm = self.add_batch_norm(variables, "conv1_bn", inputs)
        stages: list[list[_Bottleneck]] = []
        for stage, (width, count) in enumerate(zip(_STAGE_WIDTHS, BLOCKS_BY_DEPTH[depth], strict=True)):
            inner, outputs = channels(width), channels(_OUTPUT_FACTOR * width)
            blocks = []
            for number in range(count):
                stride = 2 if stage > 0 and number == 0 else 1
                name = f"conv{stage + _FIRST_STAGE}_block{number + 1}"
                widths = (inputs, inner, outputs)
                blocks.append(_Bottleneck(self, variables, name, widths, stride, number == 0))
                inputs = outputs
            stages.append(blocks)
        self._output_channels_by_level = _ChannelsByLevel(
            {
                stage: channels(_OUTPUT_FACTOR * width)
                for stage, width in enumerate(_STAGE_WIDTHS, start=_FIRST_STAGE)
            }
        )
        self._plan = _Plan(stem, stem_norm, stages)

    def add_convolution(
        self,
        variables: VariableFactory,
        name: str,
        kernel_size: int,
        channels: tuple[int, int],
        stride: int,
        explicit_padding: bool = False,
    ) -> Convolution:
        """Registers a convolution."""
        return self._register(
            Convolution(
                variables,
                name,
                kernel_size,
                channels,
                self.settings.kernel,
                stride=stride,
                explicit_padding=explicit_padding,
            )
        )

    def add_batch_norm(self, variables: VariableFactory, name: str, channels: int) -> BatchNorm:
        """Registers a batch normalisation."""
        assert self.settings.batch_norm is not None
        return self._register(BatchNorm(variables, name, channels, self.settings.batch_norm))

    def output_channels(self) -> dict[int, int]:
        """Channels of each tap by pyramid level 2 to 5."""
        return dict(self._output_channels_by_level.channels)

    def __call__(self, images: tf.Tensor, training: bool) -> dict[int, tf.Tensor]:
        """Taps by pyramid level, of [B, H, W, 3] images with the channel means taken off."""
        features = self._plan.stem_norm(self._plan.stem(images), training)
        features = tf.nn.max_pool2d(self.settings.activation(features), 3, 2, "SAME")
        taps = {}
        for stage, blocks in enumerate(self._plan.stages):
            for block in blocks:
                features = block(features, training)
            taps[stage + _FIRST_STAGE] = features
        return taps


@dataclass(frozen=True)
class _ChannelsByLevel:
    channels: dict[int, int]


@dataclass(frozen=True)
class _Plan:
    """The layers in the order of the computation. No list attribute: a checkpoint would list them twice."""

    stem: Convolution
    stem_norm: BatchNorm
    stages: list[list[_Bottleneck]]
