"""Groundtruth and detections as columns: what the checks produce and the scorers take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Category:
    """One class of the label map: its id (as in the COCO file) and the name people know it by."""

    id: int
    name: str


@dataclass(frozen=True)
class EvalImage:
    """One image of the groundtruth.

    Attributes:
        id: Its id in the COCO files.
        width: Pixels; None where the file does not say.
        height: Pixels; None where the file does not say.
        file_name: What the file calls it; '' where it does not say.
        record_index: Its place among the records of the eval split, from 0; None for images of a COCO file.
    """

    id: int
    width: int | None = None
    height: int | None = None
    file_name: str = ""
    record_index: int | None = None


@dataclass(frozen=True)
class GroundtruthColumns:
    """The checked groundtruth.

    Attributes:
        images: All images, those without objects too, by ascending id.
        categories: All classes, by ascending id.
        annotation_ids: [N] int64, 1 or more, unique.
        image_index: [N] int64, index into ``images``.
        category_index: [N] int64, index into ``categories``.
        boxes_xywh_pixels: [N, 4] float64, finite, width and height 0 or more.
        areas: [N] float64 square pixels, finite, 0 or more.
        is_crowd: [N] bool.
    """

    images: tuple[EvalImage, ...]
    categories: tuple[Category, ...]
    annotation_ids: NDArray[np.int64]
    image_index: NDArray[np.int64]
    category_index: NDArray[np.int64]
    boxes_xywh_pixels: NDArray[np.float64]
    areas: NDArray[np.float64]
    is_crowd: NDArray[np.bool_]


@dataclass(frozen=True)
class DetectionColumns:
    """The checked detections, in the order of their file (equal scores are ranked by it).

    Attributes:
        image_index: [M] int64, index into ``GroundtruthColumns.images``.
        category_index: [M] int64, index into ``GroundtruthColumns.categories``.
        boxes_xywh_pixels: [M, 4] float64, finite, width and height 0 or more.
        scores: [M] float64, finite.
    """

    image_index: NDArray[np.int64]
    category_index: NDArray[np.int64]
    boxes_xywh_pixels: NDArray[np.float64]
    scores: NDArray[np.float64]

    def __len__(self) -> int:
        """The number of detections."""
        return len(self.scores)
