"""Boxes end after they begin."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from components.data_validation.checks.context import CheckContext
from components.data_validation.findings import Fault
from components.data_validation.record_view import BOX, RecordView


def check(record: RecordView, context: CheckContext) -> Iterator[Fault]:
    """One fault per box and axis; NaN compares with nothing and is another check's."""
    boxes = record.boxes_yxyx_normalized
    inverted = boxes[:, 2:] < boxes[:, :2]
    if not inverted.any():
        return
    for box, axis in np.argwhere(inverted):
        name, low, high = "yx"[axis], boxes[box, axis], boxes[box, axis + 2]
        found = f"{name}max {high:.6g} below {name}min {low:.6g}"
        mend = f"swap {name}min and {name}max of this box, or leave it out"
        yield Fault(f"{BOX}{name}max[{box}]", found, f"{name}max above {name}min", mend)
