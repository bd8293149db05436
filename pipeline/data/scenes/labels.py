"""Boxes of what can be seen.

The rule, as the Waymo Open Dataset's camera labels: a box is tight around the *visible* parts.
Not labelled is what is mostly hidden, mostly outside the picture, or too small; it stays in the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.data.scenes.canvas import SUPERSAMPLING, PaintedObject

LEAST_VISIBLE_SHARE = 0.35
LEAST_SHARE_IN_PICTURE = 0.18
# What is so large is labelled even if most of it is outside: next to the camera everything is cut off.
LARGE_SHARE_OF_PICTURE = 0.01
LEAST_HEIGHT_SHARE = 0.025
LEAST_WIDTH_SHARE = 0.008


@dataclass(frozen=True)
class LabelledBox:
    """One object's box.

    Attributes:
        class_name: Name in the label map.
        class_id: Id in the label map.
        ymin: Upper edge, share of the picture's height.
        xmin: Left edge, share of its width.
        ymax: Lower edge.
        xmax: Right edge.
    """

    class_name: str
    class_id: int
    ymin: float
    xmin: float
    ymax: float
    xmax: float


def visible_box(numbers: np.ndarray, painted: PaintedObject) -> tuple[float, float, float, float] | None:
    """The box of an object if it is to be labelled.

    Args:
        numbers: Object number of each canvas pixel, [2 * height, 2 * width] uint8.
        painted: What the object covered when it was painted.

    Returns:
        (ymin, xmin, ymax, xmax) normalized to 0..1, exact to half a pixel; None if too little is seen.
    """
    rows, columns = numbers.shape
    u0, v0, u1, v1 = (value * SUPERSAMPLING for value in painted.bounds)
    left, right = max(0, int(u0) - 2), min(columns, int(u1) + 3)
    top, bottom = max(0, int(v0) - 2), min(rows, int(v1) + 3)
    mask = numbers[top:bottom, left:right] == painted.number
    seen = int(np.count_nonzero(mask))
    if seen < LEAST_VISIBLE_SHARE * painted.pixels:
        return None
    inside = (min(u1, columns) - max(u0, 0)) * (min(v1, rows) - max(v0, 0))
    cut_off = inside < LEAST_SHARE_IN_PICTURE * (u1 - u0) * (v1 - v0)
    if cut_off and seen < LARGE_SHARE_OF_PICTURE * rows * columns:
        return None
    used_rows = np.flatnonzero(mask.any(axis=1))
    used_columns = np.flatnonzero(mask.any(axis=0))
    ymin, ymax = (top + used_rows[0]) / rows, (top + used_rows[-1] + 1) / rows
    xmin, xmax = (left + used_columns[0]) / columns, (left + used_columns[-1] + 1) / columns
    if ymax - ymin < LEAST_HEIGHT_SHARE or xmax - xmin < LEAST_WIDTH_SHARE:
        return None
    return float(ymin), float(xmin), float(ymax), float(xmax)
