"""Which images to show: those with the most mistakes, and those that went best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from components.coco_eval.coco_arrays import DetectionColumns, GroundtruthColumns
from components.coco_eval.scoring import Scores

# Where no detection of a class is right there is no best threshold; half is then what people expect to see.
FALLBACK_THRESHOLD = 0.5


@dataclass(frozen=True)
class ImageOutcome:
    """How one image went at each class's best threshold, at IoU 0.5.

    Attributes:
        image_index: Index into the groundtruth's images.
        found: Objects found.
        missed: Objects not found.
        false_alarms: Detections without an object.
    """

    image_index: int
    found: int
    missed: int
    false_alarms: int

    @property
    def mistakes(self) -> int:
        """Missed objects and false alarms together."""
        return self.missed + self.false_alarms


@dataclass(frozen=True)
class ShownRows:
    """What stands on the drawn images: rows of detections and of groundtruth.

    Attributes:
        detections: [M] bool, detections at or above their class's threshold that count.
        missed: [N] bool, objects that no shown detection found.
    """

    detections: NDArray[np.bool_]
    missed: NDArray[np.bool_]


def shown_rows(groundtruth: GroundtruthColumns, detections: DetectionColumns, scores: Scores) -> ShownRows:
    """What is above the thresholds, and what is missed there."""
    limits = np.array(
        [FALLBACK_THRESHOLD if item.best is None else item.best.threshold for item in scores.per_class]
    )
    shown = scores.matches.counts & (detections.scores >= limits[detections.category_index])
    finder = scores.matches.detection_of_groundtruth
    found = np.zeros(len(finder), dtype=bool)
    matched = finder >= 0
    found[matched] = shown[finder[matched]]
    return ShownRows(shown, ~found & ~groundtruth.is_crowd)


def rank_images(
    groundtruth: GroundtruthColumns, detections: DetectionColumns, scores: Scores
) -> list[ImageOutcome]:
    """All images, most mistakes first; among equals the one with fewer objects found, then by id."""
    rows = shown_rows(groundtruth, detections, scores)
    count = len(groundtruth.images)

    def per_image(image_index: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.bincount(image_index, minlength=count)

    right = rows.detections & scores.matches.is_true_positive
    wrong = rows.detections & scores.matches.is_false_positive
    found = per_image(detections.image_index[right])
    missed = per_image(groundtruth.image_index[rows.missed])
    alarms = per_image(detections.image_index[wrong])
    order = np.lexsort((np.arange(count), found, -(missed + alarms)))
    return [ImageOutcome(int(i), int(found[i]), int(missed[i]), int(alarms[i])) for i in order]


def choose_images(
    ranked: list[ImageOutcome], worst: int, best: int
) -> tuple[list[ImageOutcome], list[ImageOutcome]]:
    """The first ``worst`` with a mistake, and the ``best`` with few mistakes for many objects found."""
    bad = [outcome for outcome in ranked if outcome.mistakes][:worst]
    chosen = {outcome.image_index for outcome in bad}
    rest = [outcome for outcome in ranked if outcome.found and outcome.image_index not in chosen]
    rest.sort(key=lambda outcome: (outcome.mistakes - outcome.found, outcome.mistakes))
    return bad, rest[:best]
