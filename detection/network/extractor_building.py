"""From the ``feature_extractor`` message to backbone and pyramid (OD_API_SPEC sections 1 and 2)."""

from __future__ import annotations

import dataclasses

from detection.config import pipeline_pb2 as pb
from detection.errors import ConfigError
from detection.network import mobilenet_v2, resnet_v1
from detection.network.feature_pyramid import FeatureExtractor, PyramidSettings
from detection.network.hyperparameters import LayerSettings, layer_settings
from detection.network.preprocessing import checked_extractor_type
from detection.network.variables import VariableFactory

_FIELD = "model.ssd.feature_extractor"
_COARSEST_TAP = 5
_RESNET_DEPTHS = {
    "ssd_resnet50_v1_fpn_keras": 50,
    "ssd_resnet101_v1_fpn_keras": 101,
    "ssd_resnet152_v1_fpn_keras": 152,
}
# The number in a coarse MobileNet level's name goes on from the 19 layers of the TF1 network.
_MOBILENET_LAYERS = 19


def build_feature_extractor(
    variables: VariableFactory, message: pb.SsdFeatureExtractor, *, frozen: bool
) -> FeatureExtractor:
    """Builds backbone, pyramid and coarse levels.

    Args:
        variables: Makes the variables.
        message: The pipeline config's ``feature_extractor``.
        frozen: Whether batch normalisations keep their moving statistics.

    Raises:
        ConfigError: The message asks for something that is not supported.
    """
    kind = checked_extractor_type(message.type)
    _check_levels(message)
    layers = layer_settings(message.conv_hyperparams, f"{_FIELD}.conv_hyperparams", frozen=frozen)
    builder = _mobilenet if kind == "ssd_mobilenet_v2_fpn_keras" else _resnet
    return builder(variables, message, layers, frozen)


def pyramid_depth(message: pb.SsdFeatureExtractor) -> int:
    """Channels of every pyramid level."""
    return max(int(message.fpn.additional_layer_depth * message.depth_multiplier), message.min_depth)


def _mobilenet(
    variables: VariableFactory, message: pb.SsdFeatureExtractor, layers: LayerSettings, frozen: bool
) -> FeatureExtractor:
    if message.fpn.max_level < _COARSEST_TAP:
        # The reference pairs the wrong taps with the levels here (OD_API_SPEC section 1.4).
        raise ConfigError(
            "The MobileNet pyramid needs level 5.",
            field=f"{_FIELD}.fpn.max_level",
            found=message.fpn.max_level,
            expected="5 or more",
        )
    backbone = mobilenet_v2.MobileNetV2(
        variables,
        _backbone_settings(message, layers, mobilenet_v2.default_settings(frozen=frozen)),
        depth_multiplier=message.depth_multiplier,
        min_depth=message.min_depth,
        explicit_padding=message.use_explicit_padding,
    )
    scope = "ssd_mobile_net_v2_fpn_keras_feature_extractor"
    settings = PyramidSettings(
        layers, pyramid_depth(message), message.use_depthwise, message.use_explicit_padding, scope
    )
    names = [
        f"bottom_up_Conv2d_{level - _COARSEST_TAP + _MOBILENET_LAYERS}" for level in _coarse_levels(message)
    ]
    return _extractor(variables, message, backbone, settings, names)


def _resnet(
    variables: VariableFactory, message: pb.SsdFeatureExtractor, layers: LayerSettings, frozen: bool
) -> FeatureExtractor:
    depth = _RESNET_DEPTHS[message.type]
    backbone = resnet_v1.ResNetV1(
        variables,
        _backbone_settings(message, layers, resnet_v1.default_settings(frozen=frozen)),
        depth=depth,
        depth_multiplier=message.depth_multiplier,
        min_depth=message.min_depth,
    )
    settings = PyramidSettings(layers, pyramid_depth(message), False, False, f"ResNet{depth}V1_FPN")
    names = [f"bottom_up_block{level - 1}" for level in _coarse_levels(message)]
    return _extractor(variables, message, backbone, settings, names)


def _extractor(
    variables: VariableFactory,
    message: pb.SsdFeatureExtractor,
    backbone: mobilenet_v2.MobileNetV2 | resnet_v1.ResNetV1,
    settings: PyramidSettings,
    coarse_names: list[str],
) -> FeatureExtractor:
    return FeatureExtractor(
        variables,
        backbone,
        settings,
        min_level=message.fpn.min_level,
        max_level=message.fpn.max_level,
        coarse_names=coarse_names,
    )


def _coarse_levels(message: pb.SsdFeatureExtractor) -> range:
    return range(_COARSEST_TAP + 1, message.fpn.max_level + 1)


def _backbone_settings(
    message: pb.SsdFeatureExtractor, configured: LayerSettings, own: LayerSettings
) -> LayerSettings:
    if not message.override_base_feature_extractor_hyperparams:
        return own
    if configured.batch_norm is None:
        raise ConfigError(
            "The backbone cannot be built without batch normalisation.",
            field=f"{_FIELD}.conv_hyperparams.batch_norm",
            found="nothing",
            expected="a batch_norm message, with override_base_feature_extractor_hyperparams: true",
        )
    return dataclasses.replace(configured, force_use_bias=False)


def _check_levels(message: pb.SsdFeatureExtractor) -> None:
    chosen = message.WhichOneof("feature_pyramid_oneof")
    if chosen == "bifpn":
        raise ConfigError(
            "This feature pyramid is not supported.", field=f"{_FIELD}.bifpn", found="set", expected="fpn"
        )
    fpn = message.fpn
    if not 2 <= fpn.min_level <= min(fpn.max_level, _COARSEST_TAP):
        raise ConfigError(
            "The feature pyramid's levels do not fit the backbone.",
            field=f"{_FIELD}.fpn",
            found=f"min_level {fpn.min_level}, max_level {fpn.max_level}",
            expected="2 <= min_level <= 5 and min_level <= max_level",
        )
    if message.replace_preprocessor_with_placeholder or message.spaghettinet_arch_name:
        raise ConfigError(
            "The feature extractor cannot be built as configured.",
            field=_FIELD,
            found="replace_preprocessor_with_placeholder or spaghettinet_arch_name",
            expected="neither",
        )
