"""Multiscale grid anchors, a constant of the network's input size (OD_API_SPEC section 4).

From "Focal Loss for Dense Object Detection", Lin et al. 2017, arXiv:1708.02002.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from detection.config import pipeline_pb2 as pb
from detection.errors import ConfigError


class AnchorTable:
    """The anchors of one generator, made once for each size of input.

    Args:
        config: ``model.ssd.anchor_generator.multiscale_anchor_generator``.
    """

    def __init__(self, config: pb.MultiscaleAnchorGenerator) -> None:
        self._config = config
        self._known: dict[tuple[tuple[int, int], ...], NDArray[np.float32]] = {}

    def of(
        self, image_size: tuple[int, int], feature_map_shapes: Sequence[tuple[int, int]]
    ) -> NDArray[np.float32]:
        """The anchors as ``multiscale_anchors`` makes them."""
        key = (image_size, *feature_map_shapes)
        if key not in self._known:
            self._known[key] = multiscale_anchors(self._config, *image_size, feature_map_shapes)
        return self._known[key]


def multiscale_anchors(
    config: pb.MultiscaleAnchorGenerator,
    image_height: int,
    image_width: int,
    feature_map_shapes: Sequence[tuple[int, int]],
) -> NDArray[np.float32]:
    """All anchors of one image, level by level from fine to coarse, then by row, column and shape.

    Args:
        config: The generator's part of ``pipeline.config``.
        image_height: Height of the network's input in pixels.
        image_width: Width of the network's input in pixels.
        feature_map_shapes: (height, width) of each feature map, from ``min_level`` to ``max_level``.

    Returns:
        float32 [A, 4] yxyx; divided by the image's size where ``normalize_coordinates`` is set, in pixels
        otherwise. Not clipped to the image.

    Raises:
        ConfigError: The number of feature maps is not that of the levels.
    """
    levels = range(config.min_level, config.max_level + 1)
    if len(levels) != len(feature_map_shapes):
        raise ConfigError(
            "the anchor generator and the feature extractor have different numbers of levels",
            field="model.ssd.anchor_generator.multiscale_anchor_generator",
            found=f"{len(levels)} levels ({config.min_level} to {config.max_level})",
            expected=f"{len(feature_map_shapes)} levels, one for each feature map",
            mend="give min_level and max_level the values of feature_extractor.fpn",
        )
    sizes = _base_sizes(config)
    grids = [
        _grid(sizes * np.float32(2**level), 2**level, image_height, image_width, shape)
        for level, shape in zip(levels, feature_map_shapes, strict=True)
    ]
    anchors = np.concatenate(grids)
    if config.normalize_coordinates:
        # The reciprocal in float32, not a division: equal to the recorded anchors in every bit, so that
        # boxes which lie exactly on a matching threshold fall on the same side of it.
        anchors *= np.float32(1) / np.array([image_height, image_width] * 2, np.float32)
    return anchors


def _base_sizes(config: pb.MultiscaleAnchorGenerator) -> NDArray[np.float32]:
    """(height, width) of the anchors at stride 1: the aspect ratio is the outer loop, the scale the inner."""
    scales = [2.0 ** (j / config.scales_per_octave) for j in range(config.scales_per_octave)]
    pairs = list(product(config.aspect_ratios, scales))
    root = np.sqrt(np.array([ratio for ratio, _ in pairs], np.float32))
    scale = np.array([scale for _, scale in pairs], np.float32)
    base = np.float32(config.anchor_scale)
    return np.stack([scale / root * base, scale * root * base], axis=-1)


def _grid(
    sizes: NDArray[np.float32], stride: int, image_height: int, image_width: int, shape: tuple[int, int]
) -> NDArray[np.float32]:
    """float32 [height * width * K, 4] anchors of one level in pixels."""
    ycenters = _centers(shape[0], stride, image_height)[:, None, None]
    xcenters = _centers(shape[1], stride, image_width)[None, :, None]
    half_heights, half_widths = sizes[:, 0] * np.float32(0.5), sizes[:, 1] * np.float32(0.5)
    corners = (
        ycenters - half_heights,
        xcenters - half_widths,
        ycenters + half_heights,
        xcenters + half_widths,
    )
    return np.stack(np.broadcast_arrays(*corners), axis=-1).reshape(-1, 4)


def _centers(cells: int, stride: int, image_side: int) -> NDArray[np.float32]:
    # The offset is half a stride only where the stride divides the side (OD_API_SPEC section 16, quirk 2):
    # a zoo model's weights were trained with it, so it stays.
    offset = stride / 2 if image_side % stride == 0 or image_side == 1 else 0.0
    return np.arange(cells, dtype=np.float32) * np.float32(stride) + np.float32(offset)
