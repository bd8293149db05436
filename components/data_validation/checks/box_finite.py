"""Box coordinates are numbers: one NaN or infinity makes the loss NaN."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from components.data_validation.checks.context import CheckContext
from components.data_validation.findings import Fault
from components.data_validation.record_view import BOX, BOX_SIDES, RecordView


def check(record: RecordView, context: CheckContext) -> Iterator[Fault]:
    """One fault per coordinate."""
    boxes = record.boxes_yxyx_normalized
    finite = np.isfinite(boxes)
    if finite.all():
        return
    for box, side in np.argwhere(~finite):
        field = f"{BOX}{BOX_SIDES[side]}[{box}]"
        yield Fault(field, str(boxes[box, side]), "a finite number in 0..1", "mend or leave out this box")
