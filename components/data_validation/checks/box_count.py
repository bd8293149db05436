"""No image has more boxes than training keeps."""

from __future__ import annotations

from collections.abc import Iterator

from components.data_validation.checks.context import CheckContext
from components.data_validation.findings import Fault
from components.data_validation.record_view import BOX, RecordView


def check(record: RecordView, context: CheckContext) -> Iterator[Fault]:
    """At most one fault."""
    limit = context.limits.box_count.max_boxes
    boxes = len(record.boxes_yxyx_normalized)
    if boxes > limit:
        mend = "raise max_number_of_boxes in the reader's config (and box_count.max_boxes in the policy)"
        yield Fault(BOX + "ymin", f"{boxes} boxes", f"at most {limit}: the rest is cut off in training", mend)
