"""The geometry of a precision-recall chart; the template writes it as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from components.coco_eval.scorers import RECALL_THRESHOLDS
from components.coco_eval.scoring import ClassScores

WIDTH, HEIGHT = 460, 340
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 14, 40
MOST_CURVES = 8


@dataclass(frozen=True)
class ChartCurve:
    """One class's line: SVG points, and the operating point with the best F1 where it is on this chart."""

    name: str
    colour: int
    points: str
    value: float
    mark_x: float | None
    mark_y: float | None


@dataclass(frozen=True)
class PrChart:
    """One chart: its title, what the legend's number is, and its lines."""

    title: str
    value_name: str
    curves: tuple[ChartCurve, ...]
    left_out: int


def make_charts(per_class: Sequence[ClassScores]) -> list[PrChart]:
    """The chart at IoU 0.50 and the one averaged over IoU 0.50 to 0.95, for the classes with most boxes."""
    with_curves = [(place, item) for place, item in enumerate(per_class) if item.curve is not None]
    largest = sorted(with_curves, key=lambda pair: -pair[1].boxes)[:MOST_CURVES]
    kept = sorted(largest, key=lambda pair: pair[0])
    left_out = len(with_curves) - len(kept)
    return [
        PrChart("IoU 0.50", "AP50", _curves(kept, "AP50"), left_out),
        PrChart("mean over IoU 0.50 to 0.95", "AP", _curves(kept, "AP"), left_out),
    ]


def _curves(kept: Sequence[tuple[int, ClassScores]], metric: str) -> tuple[ChartCurve, ...]:
    curves = []
    for colour, (_, item) in enumerate(kept):
        assert item.curve is not None
        precision = item.curve.at_iou_50 if metric == "AP50" else item.curve.mean
        best = item.best if metric == "AP50" else None
        curves.append(
            ChartCurve(
                name=item.category.name,
                colour=colour,
                points=_points(precision),
                value=item.metrics[metric] or 0.0,
                mark_x=None if best is None else round(x_of(best.recall), 1),
                mark_y=None if best is None else round(y_of(best.precision), 1),
            )
        )
    return tuple(curves)


def _points(precision: NDArray[np.float64]) -> str:
    pairs = zip(RECALL_THRESHOLDS.tolist(), precision.tolist(), strict=True)
    return " ".join(f"{x_of(recall):.1f},{y_of(value):.1f}" for recall, value in pairs)


def x_of(recall: float) -> float:
    """The horizontal place of a recall from 0 to 1."""
    return LEFT + recall * (WIDTH - LEFT - RIGHT)


def y_of(precision: float) -> float:
    """The vertical place of a precision from 0 to 1."""
    return HEIGHT - BOTTOM - precision * (HEIGHT - TOP - BOTTOM)
