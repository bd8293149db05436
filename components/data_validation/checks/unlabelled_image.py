"""Images have boxes: one without any is worth a look, whether it is empty or was forgotten."""

from __future__ import annotations

from collections.abc import Iterator

from components.data_validation.checks.context import CheckContext
from components.data_validation.findings import Fault
from components.data_validation.record_view import BOX, RecordView


def check(record: RecordView, context: CheckContext) -> Iterator[Fault]:
    """At most one fault."""
    if not any(record.box_side_counts.values()):
        mend = "fine if the scene is empty; else label it or leave it out"
        yield Fault(BOX + "ymin", "no boxes", "at least one box", mend)
