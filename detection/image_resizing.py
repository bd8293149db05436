"""Image resizers with the OD API's legacy kernels (OD_API_SPEC section 9.3).

Zoo weights were trained on images resized without half-pixel centres, so ``tf.image.resize`` will not do: it
shifts everything by up to half a pixel.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from detection.config import pipeline_pb2 as pb
from detection.errors import ConfigError

_FIELD = "model.ssd.image_resizer"


def resize(image: tf.Tensor, config: pb.ImageResizer) -> tuple[tf.Tensor, tf.Tensor]:
    """Resizes one image, or several of one size, as the config says.

    Args:
        image: float32 [H, W, 3] or [B, H, W, 3], any range of values: already normalised.
        config: ``model.ssd.image_resizer``.

    Returns:
        The image with the resizer's size, float32, padded at the bottom and right where the resizer pads;
        and its true shape, int32 [3]: height, width and channels without the padding.

    Raises:
        ConfigError: A resizer or an option that is not supported.
    """
    kind = config.WhichOneof("image_resizer_oneof")
    if kind == "fixed_shape_resizer":
        fixed = config.fixed_shape_resizer
        _check_colour(fixed.convert_to_grayscale, kind)
        resized = _resample(image, tf.constant([fixed.height, fixed.width]), fixed.resize_method)
        resized = _with_static_size(resized, fixed.height, fixed.width)
        return resized, tf.constant([fixed.height, fixed.width, 3])
    if kind == "keep_aspect_ratio_resizer":
        return _keep_aspect_ratio(image, config.keep_aspect_ratio_resizer)
    raise _unsupported(kind)


def static_image_shape(config: pb.ImageResizer) -> tuple[int, int] | None:
    """(height, width) of what the resizer gives; None where it depends on the image.

    Raises:
        ConfigError: A resizer that is not supported.
    """
    kind = config.WhichOneof("image_resizer_oneof")
    if kind == "fixed_shape_resizer":
        return config.fixed_shape_resizer.height, config.fixed_shape_resizer.width
    if kind == "keep_aspect_ratio_resizer":
        keep = config.keep_aspect_ratio_resizer
        return (keep.max_dimension, keep.max_dimension) if keep.pad_to_max_dimension else None
    raise _unsupported(kind)


def _keep_aspect_ratio(image: tf.Tensor, config: pb.KeepAspectRatioResizer) -> tuple[tf.Tensor, tf.Tensor]:
    _check_colour(config.convert_to_grayscale, "keep_aspect_ratio_resizer")
    size = _size_within(tf.shape(image)[-3:-1], config.min_dimension, config.max_dimension)
    resized = _resample(image, size, config.resize_method)
    if config.pad_to_max_dimension:
        resized = _pad(resized, size, config.max_dimension, list(config.per_channel_pad_value))
    return resized, tf.concat([size, [3]], axis=0)


def _size_within(size: tf.Tensor, min_dimension: int, max_dimension: int) -> tf.Tensor:
    """The largest size of the same shape that fits the limits, whose long side is that of the image."""
    current = tf.cast(size, tf.float32)
    landscape = size[0] < size[1]
    limits = tf.where(landscape, [min_dimension, max_dimension], [max_dimension, min_dimension])
    scale = tf.reduce_min(tf.cast(limits, tf.float32) / current)
    return tf.cast(tf.round(current * scale), tf.int32)


def _resample(image: tf.Tensor, size: tf.Tensor, method: int) -> tf.Tensor:
    kernel = _KERNELS[pb.ResizeType.Name(method)]
    batched = image if image.shape.rank == 4 else image[None]
    target = tf.get_static_value(size)
    if target is not None and batched.shape[1:3].as_list() == list(target):
        return image
    # Resampling to the same size changes nothing, but takes its time: skipped where sizes turn out equal.
    resized = tf.cond(
        tf.reduce_all(tf.equal(tf.shape(batched)[1:3], size)),
        lambda: batched,
        lambda: kernel(images=batched, size=size),
    )
    return resized if image.shape.rank == 4 else resized[0]


def _nearest(images: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    return tf.raw_ops.ResizeNearestNeighbor(images=images, size=size)


def _bilinear(images: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    return tf.raw_ops.ResizeBilinear(images=images, size=size)


def _bicubic(images: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    return tf.raw_ops.ResizeBicubic(images=images, size=size)


def _area(images: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    return tf.raw_ops.ResizeArea(images=images, size=size)


_KERNELS: dict[str, Callable[..., tf.Tensor]] = {
    "BILINEAR": _bilinear,
    "NEAREST_NEIGHBOR": _nearest,
    "BICUBIC": _bicubic,
    "AREA": _area,
}


def _pad(image: tf.Tensor, size: tf.Tensor, side: int, values: list[float]) -> tf.Tensor:
    leading = [[0, 0]] * (image.shape.rank - 3)
    paddings = [*leading, [0, side - size[0]], [0, side - size[1]], [0, 0]]
    if any(values):
        # Padding with zeros around the difference to the padding value puts that value there.
        value = tf.constant(values, tf.float32)
        return _with_static_size(tf.pad(image - value, paddings) + value, side, side)
    return _with_static_size(tf.pad(image, paddings), side, side)


def _with_static_size(image: tf.Tensor, height: int, width: int) -> tf.Tensor:
    leading = image.shape[:-3].as_list()
    return tf.ensure_shape(image, [*leading, height, width, image.shape[-1]])


def _check_colour(grayscale: bool, kind: str) -> None:
    if grayscale:
        raise ConfigError(
            "grayscale networks are not supported",
            field=f"{_FIELD}.{kind}.convert_to_grayscale",
            found="true",
            expected="false",
        )


def _unsupported(kind: str | None) -> ConfigError:
    return ConfigError(
        "this image resizer is not supported",
        field=_FIELD,
        found=kind or "nothing",
        expected="fixed_shape_resizer or keep_aspect_ratio_resizer",
    )
