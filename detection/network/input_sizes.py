"""Which image sizes a network can work on, and padding to one (OD_API_SPEC section 1.1)."""

from __future__ import annotations

import itertools

import tensorflow as tf

from detection.errors import ConfigError
from detection.network.preprocessing import smallest_side

_FIELD = "model.ssd.image_resizer"


def check_image_size(images: tf.Tensor, extractor_type: str) -> None:
    """Refuses [B, H, W, 3] images that are too small; a size not known yet is checked when it is.

    Raises:
        ConfigError: Height or width is known and too small.
    """
    smallest = smallest_side(extractor_type)
    height, width = images.shape[1], images.shape[2]
    if height is None or width is None:
        tf.debugging.assert_greater_equal(
            tf.reduce_min(tf.shape(images)[1:3]),
            smallest,
            f"images must have {smallest} pixels or more a side",
        )
    elif min(height, width) < smallest:
        raise ConfigError(
            "The images are too small for the feature extractor.",
            field=_FIELD,
            found=f"{height} x {width} pixels",
            expected=f"{smallest} pixels or more a side for {extractor_type}",
        )


def check_pyramid_size(images: tf.Tensor, levels: range) -> None:
    """Refuses [B, H, W, 3] images for which a pyramid level is not twice the next coarser one.

    Raises:
        ConfigError: Height or width is known and does not fit.
    """
    for side in (images.shape[1], images.shape[2]):
        # A map of level n has ceil(side / 2**n) pixels.
        sizes = [] if side is None else [-(-side // 2**level) for level in levels]
        if any(fine != 2 * coarse for fine, coarse in itertools.pairwise(sizes)):
            raise ConfigError(
                "The images' size does not suit the feature pyramid: each level must be twice the next one.",
                field=_FIELD,
                found=f"{images.shape[1]} x {images.shape[2]} pixels, levels of {sizes} pixels",
                expected="a multiple of 32",
                mend="choose such a size, or set feature_extractor.use_explicit_padding (MobileNet)",
            )


def pad_to_multiple(images: tf.Tensor, multiple: int) -> tf.Tensor:
    """Zeros below and to the right of [B, H, W, C], up to the next multiple of both sides."""
    if multiple <= 1:
        return images
    height, width = images.shape[1], images.shape[2]
    if height is not None and width is not None:
        missing = [-height % multiple, -width % multiple]
        if missing == [0, 0]:
            return images
    else:
        size = tf.shape(images)
        missing = [-size[1] % multiple, -size[2] % multiple]
    return tf.pad(images, [[0, 0], [0, missing[0]], [0, missing[1]], [0, 0]])
