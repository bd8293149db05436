"""The score threshold that balances precision and recall best, per class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from components.coco_eval.coco_arrays import DetectionColumns, GroundtruthColumns
from components.coco_eval.matching import Matches


@dataclass(frozen=True)
class BestThreshold:
    """The operating point with the highest F1 at IoU 0.5.

    Attributes:
        threshold: Keep detections with at least this score.
        precision: Part of the kept detections that found an object, 0 to 1.
        recall: Part of the objects that were found, 0 to 1.
        f1: Harmonic mean of both, 0 to 1.
    """

    threshold: float
    precision: float
    recall: float
    f1: float


def best_threshold(
    groundtruth: GroundtruthColumns, detections: DetectionColumns, matches: Matches, category_index: int
) -> BestThreshold | None:
    """The best operating point of one class; None where it has no objects or no detection is right."""
    of_class = groundtruth.category_index == category_index
    objects = int(np.count_nonzero(of_class & ~groundtruth.is_crowd))
    rows = np.flatnonzero((detections.category_index == category_index) & matches.counts)
    right_rows = matches.is_true_positive[rows]
    if not objects or not right_rows.any():
        return None
    scores = detections.scores[rows]
    order = np.argsort(-scores, kind="stable")
    scores, right = scores[order], np.cumsum(right_rows[order])
    kept = np.arange(1, len(order) + 1)
    f1 = 2 * right / (kept + objects)
    # A threshold keeps all detections of equal score, so only the last of each may be a cut.
    f1[:-1][scores[:-1] == scores[1:]] = -1.0
    best = int(np.argmax(f1))
    return BestThreshold(
        threshold=float(scores[best]),
        precision=float(right[best] / kept[best]),
        recall=float(right[best] / objects),
        f1=float(f1[best]),
    )
