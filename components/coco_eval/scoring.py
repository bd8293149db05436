"""From checked groundtruth and detections to numbers: the 12 of COCO, per class and size, and PR curves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from components.coco_eval.coco_arrays import Category, DetectionColumns, GroundtruthColumns
from components.coco_eval.matching import Matches, match
from components.coco_eval.scorers import (
    AREA_RANGES,
    IOU_THRESHOLDS,
    MAX_DETECTIONS,
    RECALL_THRESHOLDS,
    AccumulatedArrays,
    accumulate,
)
from components.coco_eval.thresholds import BestThreshold, best_threshold

# In the order of pycocotools' stats.
METRIC_NAMES = (
    "AP",
    "AP50",
    "AP75",
    "AP_small",
    "AP_medium",
    "AP_large",
    "AR1",
    "AR10",
    "AR100",
    "AR_small",
    "AR_medium",
    "AR_large",
)


@dataclass(frozen=True)
class PrCurve:
    """Precision over recall of one class, at 101 recalls from 0 to 1, for up to 100 detections per image.

    Attributes:
        at_iou_50: [101] float64, interpolated precision 0 to 1 at IoU 0.50.
        at_iou_75: [101] float64, the same at IoU 0.75.
        mean: [101] float64, mean over the ten IoU thresholds; its own mean is the class's AP.
    """

    at_iou_50: NDArray[np.float64]
    at_iou_75: NDArray[np.float64]
    mean: NDArray[np.float64]


@dataclass(frozen=True)
class ClassScores:
    """What was measured for one class.

    Attributes:
        category: The class.
        metrics: The 12 numbers for this class alone, 0 to 1; None where there is no groundtruth.
        images: Images that show at least one object of it.
        boxes: Its objects, without crowds.
        crowds: Its crowd regions.
        detections: Detections of it.
        curve: None where it has no groundtruth.
        best: The threshold with the best F1; None where nothing was found.
    """

    category: Category
    metrics: dict[str, float | None]
    images: int
    boxes: int
    crowds: int
    detections: int
    curve: PrCurve | None
    best: BestThreshold | None


@dataclass(frozen=True)
class Scores:
    """All that was measured.

    Attributes:
        metrics: The 12 COCO numbers by name, 0 to 1; None (n/a) where there is no groundtruth, never -1.
        per_class: One for each class of the label map, by ascending id.
        scorer: What computed it.
        matches: Which detection found which object at IoU 0.5.
    """

    metrics: dict[str, float | None]
    per_class: tuple[ClassScores, ...]
    scorer: str
    matches: Matches


def score(groundtruth: GroundtruthColumns, detections: DetectionColumns, scorer: str = "hotcoco") -> Scores:
    """Scores detections against their groundtruth; both come from ``checks``.

    Args:
        groundtruth: The objects.
        detections: The detections; none at all give zeros.
        scorer: ``hotcoco`` or ``pycocotools``; the numbers are the same to the last bit.
    """
    arrays = accumulate(groundtruth, detections, scorer)
    matches = match(groundtruth, detections)
    every_class = slice(None)
    return Scores(
        metrics=_twelve_numbers(arrays, every_class),
        per_class=tuple(
            _score_class(groundtruth, detections, arrays, matches, index)
            for index in range(len(groundtruth.categories))
        ),
        scorer=scorer,
        matches=matches,
    )


def _twelve_numbers(arrays: AccumulatedArrays, classes: slice) -> dict[str, float | None]:
    precision, recall = arrays.precision[:, :, classes], arrays.recall[:, classes]
    iou_50, iou_75 = (int(np.argmin(np.abs(IOU_THRESHOLDS - iou))) for iou in (0.5, 0.75))
    most = len(MAX_DETECTIONS) - 1
    numbers: dict[str, float | None] = {
        "AP": _mean_where_known(precision[:, :, :, 0, most]),
        "AP50": _mean_where_known(precision[iou_50, :, :, 0, most]),
        "AP75": _mean_where_known(precision[iou_75, :, :, 0, most]),
    }
    for area, name in enumerate(AREA_RANGES[1:], start=1):
        numbers[f"AP_{name}"] = _mean_where_known(precision[:, :, :, area, most])
    for place, limit in enumerate(MAX_DETECTIONS):
        numbers[f"AR{limit}"] = _mean_where_known(recall[:, :, 0, place])
    for area, name in enumerate(AREA_RANGES[1:], start=1):
        numbers[f"AR_{name}"] = _mean_where_known(recall[:, :, area, most])
    return numbers


def _mean_where_known(values: NDArray[np.float64]) -> float | None:
    known = values[values > -1]
    return float(np.mean(known)) if known.size else None


def _score_class(
    groundtruth: GroundtruthColumns,
    detections: DetectionColumns,
    arrays: AccumulatedArrays,
    matches: Matches,
    index: int,
) -> ClassScores:
    of_class = groundtruth.category_index == index
    objects = of_class & ~groundtruth.is_crowd
    return ClassScores(
        category=groundtruth.categories[index],
        metrics=_twelve_numbers(arrays, slice(index, index + 1)),
        images=len(np.unique(groundtruth.image_index[objects])),
        boxes=int(np.count_nonzero(objects)),
        crowds=int(np.count_nonzero(of_class & groundtruth.is_crowd)),
        detections=int(np.count_nonzero(detections.category_index == index)),
        curve=_curve(arrays, index) if objects.any() else None,
        best=best_threshold(groundtruth, detections, matches, index),
    )


def _curve(arrays: AccumulatedArrays, index: int) -> PrCurve:
    per_iou = arrays.precision[:, :, index, 0, len(MAX_DETECTIONS) - 1]
    iou_50, iou_75 = (int(np.argmin(np.abs(IOU_THRESHOLDS - iou))) for iou in (0.5, 0.75))
    assert per_iou.shape[1] == len(RECALL_THRESHOLDS)
    return PrCurve(at_iou_50=per_iou[iou_50], at_iou_75=per_iou[iou_75], mean=per_iou.mean(axis=0))
