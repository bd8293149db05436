"""The pictures of the report: the worst and some best images with what was found, missed and made up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from components.coco_eval.coco_arrays import DetectionColumns, GroundtruthColumns
from components.coco_eval.drawing import DrawnBox, draw_boxes, jpeg_data_uri
from components.coco_eval.image_ranking import (
    ImageOutcome,
    ShownRows,
    choose_images,
    rank_images,
    shown_rows,
)
from components.coco_eval.image_sources import ImageSource
from components.coco_eval.scoring import Scores


@dataclass(frozen=True)
class ShownImage:
    """One figure: the picture as a data address, and what its caption says."""

    name: str
    data_uri: str
    outcome: ImageOutcome


@dataclass(frozen=True)
class ShownImages:
    """The figures, and in sentences what could not be drawn."""

    worst: tuple[ShownImage, ...]
    best: tuple[ShownImage, ...]
    not_drawn: tuple[str, ...]


def show_images(
    groundtruth: GroundtruthColumns,
    detections: DetectionColumns,
    scores: Scores,
    source: ImageSource,
    worst: int = 8,
    best: int = 4,
) -> ShownImages:
    """Draws the chosen images. Never raises: what fails is named in ``not_drawn``."""
    try:
        rows = shown_rows(groundtruth, detections, scores)
        bad, good = choose_images(rank_images(groundtruth, detections, scores), worst, best)
        encoded = source.load([groundtruth.images[outcome.image_index] for outcome in (*bad, *good)])
    except Exception as error:
        return ShownImages((), (), (f"no image at all: {_said(error)}",))
    problems: list[str] = []
    figures = []
    for outcomes in (bad, good):
        drawn = []
        for outcome in outcomes:
            picture = _draw_one(groundtruth, detections, scores, rows, outcome, encoded, problems)
            if picture is not None:
                drawn.append(picture)
        figures.append(tuple(drawn))
    return ShownImages(figures[0], figures[1], tuple(problems))


def _draw_one(
    groundtruth: GroundtruthColumns,
    detections: DetectionColumns,
    scores: Scores,
    rows: ShownRows,
    outcome: ImageOutcome,
    encoded: Mapping[int, bytes],
    problems: list[str],
) -> ShownImage | None:
    image = groundtruth.images[outcome.image_index]
    name = image.file_name or f"image {image.id}"
    try:
        content = encoded.get(image.id)
        if content is None:
            problems.append(f"{name}: the image is not where the data says")
            return None
        boxes = _boxes(groundtruth, detections, scores, rows, outcome.image_index)
        return ShownImage(name, jpeg_data_uri(draw_boxes(content, boxes)), outcome)
    except Exception as error:
        problems.append(f"{name}: {_said(error)}")
        return None


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:200]}"


def _boxes(
    groundtruth: GroundtruthColumns,
    detections: DetectionColumns,
    scores: Scores,
    rows: ShownRows,
    image_index: int,
) -> Sequence[DrawnBox]:
    names = [category.name for category in groundtruth.categories]
    boxes = []
    for row in np.flatnonzero(groundtruth.image_index == image_index).tolist():
        missed = bool(rows.missed[row])
        label = f"missed {names[groundtruth.category_index[row]]}" if missed else ""
        boxes.append(
            DrawnBox(
                _tuple4(groundtruth.boxes_xywh_pixels[row].tolist()), "missed" if missed else "object", label
            )
        )
    shown = np.flatnonzero(rows.detections & (detections.image_index == image_index))
    for row in shown[np.argsort(detections.scores[shown])].tolist():
        label = f"{names[detections.category_index[row]]} {detections.scores[row]:.2f}"
        kind = "right" if scores.matches.is_true_positive[row] else "wrong"
        boxes.append(DrawnBox(_tuple4(detections.boxes_xywh_pixels[row].tolist()), kind, label))  # type: ignore[arg-type]
    return boxes


def _tuple4(values: list[float]) -> tuple[float, float, float, float]:
    x, y, width, height = values
    return x, y, width, height
