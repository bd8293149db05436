"""Boxes have an area: one without can match nothing that a detector predicts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from components.data_validation.checks.context import CheckContext
from components.data_validation.findings import Fault
from components.data_validation.record_view import BOX, RecordView


def check(record: RecordView, context: CheckContext) -> Iterator[Fault]:
    """One fault per box and axis; a negative side is ``box_inverted``'s."""
    boxes = record.boxes_yxyx_normalized
    min_side = context.limits.box_zero_area.min_side
    with np.errstate(invalid="ignore"):  # infinity minus infinity: box_finite reports it
        sides = boxes[:, 2:] - boxes[:, :2]
    degenerate = (sides >= 0) & (sides <= min_side)
    if not degenerate.any():
        return
    for box, axis in np.argwhere(degenerate):
        name = "yx"[axis]
        found = f"{name}min {boxes[box, axis]:.6g} to {name}max {boxes[box, axis + 2]:.6g}"
        expected = f"more than {min_side:g} between them"
        yield Fault(f"{BOX}{name}max[{box}]", found, expected, "leave this box out")
