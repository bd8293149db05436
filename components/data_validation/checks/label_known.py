"""Class ids are in the label map."""

from __future__ import annotations

from collections.abc import Iterator

from components.data_validation.checks.context import CheckContext
from components.data_validation.findings import Fault
from components.data_validation.record_view import LABEL, RecordView


def check(record: RecordView, context: CheckContext) -> Iterator[Fault]:
    """One fault per box with an unknown id."""
    for index, class_id in enumerate(record.labels.tolist()):
        if class_id in context.texts_by_id:
            continue
        mend = "add the class to the label map, or relabel this box"
        if class_id == 0:
            mend = "id 0 is background: ids of classes begin at 1 (are these ids counted from 0?)"
        yield Fault(f"{LABEL}[{index}]", str(class_id), f"one of {context.known_classes}", mend)
