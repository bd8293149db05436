"""Boxes lie inside the image: coordinates are fractions of its sides, not pixels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from components.data_validation.checks.context import CheckContext
from components.data_validation.findings import Fault
from components.data_validation.record_view import BOX, BOX_SIDES, RecordView

# No box that only sticks out of its image is this far outside: it was written in pixels.
_SURELY_PIXELS = 2.0


def check(record: RecordView, context: CheckContext) -> Iterator[Fault]:
    """One fault per coordinate; those that are not finite are another check's."""
    boxes = record.boxes_yxyx_normalized
    tolerance = context.limits.box_inside.tolerance
    outside = (boxes < -tolerance) | (boxes > 1 + tolerance)
    if not outside.any():
        return
    for box, side in np.argwhere(outside & np.isfinite(boxes)):
        value = float(boxes[box, side])
        mend = "clip the box to the image"
        if value > _SURELY_PIXELS:
            mend = "divide pixels by the image's height (y) or width (x)"
        yield Fault(f"{BOX}{BOX_SIDES[side]}[{box}]", f"{value:.6g}", "0 to 1", mend)
