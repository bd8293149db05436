"""Which detection found which object, at one IoU, by the COCO rule: for drawing and for choosing thresholds.

The rule: within one image and class, detections in descending order of their scores each take the free
object that they overlap most, if by at least the threshold. A crowd region may be taken by many, and a
detection that falls on one counts neither way. At most 100 detections per image and class take part.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from components.coco_eval.coco_arrays import DetectionColumns, GroundtruthColumns

UNMATCHED = -1
MAX_DETECTIONS_PER_CLASS = 100


@dataclass(frozen=True)
class Matches:
    """The outcome for each detection and each object.

    Attributes:
        groundtruth_of_detection: [M] int64, row of the object found, or -1.
        detection_of_groundtruth: [N] int64, row of the detection that found it, or -1; -1 for a crowd.
        counts: [M] bool: false where the detection counts neither as right nor as wrong (it lies on a crowd,
            or is beyond the 100 best of its image and class).
    """

    groundtruth_of_detection: NDArray[np.int64]
    detection_of_groundtruth: NDArray[np.int64]
    counts: NDArray[np.bool_]

    @property
    def is_true_positive(self) -> NDArray[np.bool_]:
        """[M] bool: the detection found an object."""
        return self.counts & (self.groundtruth_of_detection != UNMATCHED)

    @property
    def is_false_positive(self) -> NDArray[np.bool_]:
        """[M] bool: the detection found nothing."""
        return self.counts & (self.groundtruth_of_detection == UNMATCHED)


def match(groundtruth: GroundtruthColumns, detections: DetectionColumns, iou: float = 0.5) -> Matches:
    """Matches all images."""
    found = np.full(len(detections), UNMATCHED, dtype=np.int64)
    taken = np.full(len(groundtruth.annotation_ids), UNMATCHED, dtype=np.int64)
    ranked = _ranked(detections)
    counts = np.zeros(len(detections), dtype=bool)
    counts[ranked] = True
    key_count = len(groundtruth.categories)
    detection_groups = _rows_by_key(detections.image_index * key_count + detections.category_index, ranked)
    rows = np.arange(len(groundtruth.annotation_ids))
    groups = _rows_by_key(groundtruth.image_index * key_count + groundtruth.category_index, rows)
    for key, truth_rows in groups.items():
        detection_rows = detection_groups.get(key)
        if detection_rows is not None:
            _match_group(groundtruth, detections, truth_rows, detection_rows, iou, found, taken, counts)
    return Matches(found, taken, counts)


def _ranked(detections: DetectionColumns) -> NDArray[np.int64]:
    """Rows by image, class and falling score, equal scores in file order, the first 100 of each group."""
    order = np.lexsort((-detections.scores, detections.category_index, detections.image_index))
    group = np.column_stack([detections.image_index[order], detections.category_index[order]])
    starts = np.ones(len(order), dtype=bool)
    starts[1:] = (group[1:] != group[:-1]).any(axis=1)
    first = np.maximum.accumulate(np.where(starts, np.arange(len(order)), 0))
    return order[np.arange(len(order)) - first < MAX_DETECTIONS_PER_CLASS].astype(np.int64)


def _rows_by_key(keys: NDArray[np.int64], rows: NDArray[np.int64]) -> dict[int, NDArray[np.int64]]:
    if not len(rows):
        return {}
    order = np.argsort(keys[rows], kind="stable")
    ordered = rows[order]
    unique, starts = np.unique(keys[ordered], return_index=True)
    return dict(zip(unique.tolist(), np.split(ordered, starts[1:]), strict=True))


def _match_group(
    groundtruth: GroundtruthColumns,
    detections: DetectionColumns,
    truth_rows: NDArray[np.int64],
    detection_rows: NDArray[np.int64],
    iou: float,
    found: NDArray[np.int64],
    taken: NDArray[np.int64],
    counts: NDArray[np.bool_],
) -> None:
    crowd = groundtruth.is_crowd[truth_rows]
    overlaps = coco_overlaps(
        detections.boxes_xywh_pixels[detection_rows], groundtruth.boxes_xywh_pixels[truth_rows], crowd
    )
    # The evaluators lower the threshold by as much, so that an exact 0.5 is not lost to rounding.
    overlaps[overlaps < min(iou, 1 - 1e-10)] = -1.0
    for place in np.flatnonzero(overlaps.max(axis=1) >= 0).tolist():
        row, overlap = int(detection_rows[place]), overlaps[place]
        free = overlap.copy()
        free[crowd | (taken[truth_rows] != UNMATCHED)] = -1.0
        # Of equal overlaps the later object is taken, as the evaluators do.
        best = len(free) - 1 - int(np.argmax(free[::-1]))
        if free[best] >= 0:
            found[row] = truth_rows[best]
            taken[truth_rows[best]] = row
        elif np.any(overlap[crowd] >= 0):
            counts[row] = False


def coco_overlaps(
    boxes_xywh_pixels: NDArray[np.float64],
    groundtruth_xywh_pixels: NDArray[np.float64],
    is_crowd: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """[M, N] overlap of detections with objects: IoU; for a crowd the covered part of the detection."""
    ends = boxes_xywh_pixels[:, None, :2] + boxes_xywh_pixels[:, None, 2:]
    truth_ends = groundtruth_xywh_pixels[None, :, :2] + groundtruth_xywh_pixels[None, :, 2:]
    starts = np.maximum(boxes_xywh_pixels[:, None, :2], groundtruth_xywh_pixels[None, :, :2])
    sides = np.clip(np.minimum(ends, truth_ends) - starts, 0.0, None)
    intersection = sides[..., 0] * sides[..., 1]
    areas = boxes_xywh_pixels[:, 2] * boxes_xywh_pixels[:, 3]
    truth_areas = groundtruth_xywh_pixels[:, 2] * groundtruth_xywh_pixels[:, 3]
    union = areas[:, None] + truth_areas[None, :] - intersection
    whole = np.where(is_crowd[None, :], areas[:, None], union)
    return np.divide(intersection, whole, out=np.zeros_like(intersection), where=whole > 0)
