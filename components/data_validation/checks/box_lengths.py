"""All per-box features have as many values."""

from __future__ import annotations

from collections.abc import Iterator

from components.data_validation.checks.context import CheckContext
from components.data_validation.findings import Fault
from components.data_validation.record_view import BOX, BOX_SIDES, LABEL, TEXT, RecordView

_OPTIONAL = (
    LABEL,
    TEXT,
    "image/object/weight",
    "image/object/is_crowd",
    "image/object/difficult",
    "image/object/group_of",
    "image/object/area",
)


def check(record: RecordView, context: CheckContext) -> Iterator[Fault]:
    """One fault per feature that differs from the number of ``ymin``; empty ones are another check's."""
    counts = {BOX + side: record.count(BOX + side) for side in BOX_SIDES}
    counts.update({name: record.count(name) for name in _OPTIONAL if record.count(name)})
    boxes = next((count for count in counts.values() if count), 0)
    for name, count in counts.items():
        if count and count != boxes:
            yield Fault(name, f"{count} values", f"{boxes}, one for each box", "write one value for each box")
