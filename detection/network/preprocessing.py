"""From pixel values to what each backbone expects (OD_API_SPEC sections 1.1 and 2)."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from detection.errors import ConfigError

# Means of red, green and blue over ImageNet, as the reference subtracts them from channels in RGB order.
CHANNEL_MEANS_RGB = (123.68, 116.779, 103.939)


def _to_unit_range(image: tf.Tensor) -> tf.Tensor:
    return (2.0 / 255.0) * image - 1.0


def _without_channel_means(image: tf.Tensor) -> tf.Tensor:
    return image - tf.constant(CHANNEL_MEANS_RGB) if image.shape[-1] == 3 else image


_NORMALIZERS: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {
    "ssd_mobilenet_v2_fpn_keras": _to_unit_range,
    "ssd_resnet50_v1_fpn_keras": _without_channel_means,
    "ssd_resnet101_v1_fpn_keras": _without_channel_means,
    "ssd_resnet152_v1_fpn_keras": _without_channel_means,
}
_SMALLEST_SIDES = {
    "ssd_mobilenet_v2_fpn_keras": 33,
    "ssd_resnet50_v1_fpn_keras": 129,
    "ssd_resnet101_v1_fpn_keras": 129,
    "ssd_resnet152_v1_fpn_keras": 129,
}
EXTRACTOR_TYPES = tuple(_NORMALIZERS)


def normalize(image: tf.Tensor, extractor_type: str) -> tf.Tensor:
    """Normalises pixel values, before any resizing.

    Args:
        image: float32 [..., 3], RGB in 0..255.
        extractor_type: ``feature_extractor.type`` of the pipeline config.

    Returns:
        float32 of the same shape: in [-1, 1] for MobileNet, with the channel means taken off for ResNet.

    Raises:
        ConfigError: The extractor is not supported.
    """
    return _NORMALIZERS[checked_extractor_type(extractor_type)](image)


def smallest_side(extractor_type: str) -> int:
    """The fewest pixels that height and width of the network's input may have.

    Raises:
        ConfigError: The extractor is not supported.
    """
    return _SMALLEST_SIDES[checked_extractor_type(extractor_type)]


def checked_extractor_type(extractor_type: str) -> str:
    """The type itself.

    Raises:
        ConfigError: The extractor is not supported.
    """
    if extractor_type not in _NORMALIZERS:
        raise ConfigError(
            "This feature extractor is not supported.",
            field="model.ssd.feature_extractor.type",
            found=extractor_type or "nothing",
            expected=" or ".join(EXTRACTOR_TYPES),
        )
    return extractor_type
