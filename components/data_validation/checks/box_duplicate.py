"""An object is labelled once: the same box of the same class twice counts double in loss and scores."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from components.data_validation.checks.context import CheckContext
from components.data_validation.findings import Fault
from components.data_validation.record_view import BOX, RecordView


def check(record: RecordView, context: CheckContext) -> Iterator[Fault]:
    """One fault per box that repeats an earlier one exactly."""
    boxes, labels = record.boxes_yxyx_normalized, record.labels
    if len(boxes) < 2 or (len(labels) and len(labels) != len(boxes)):
        return
    classes = labels if len(labels) else np.zeros(len(boxes), np.int64)
    first: dict[tuple[bytes, int], int] = {}
    for index, (box, label) in enumerate(zip(boxes, classes, strict=True)):
        earlier = first.setdefault((box.tobytes(), int(label)), index)
        if earlier != index:
            found = f"the same box and class as box {earlier}"
            yield Fault(f"{BOX}ymin[{index}]", found, "each object once", "leave one of the two out")
