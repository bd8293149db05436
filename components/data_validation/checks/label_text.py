"""Text and id of a box name the same class; training goes by the text where there is one."""

from __future__ import annotations

from collections.abc import Iterator

from components.data_validation.checks.context import CheckContext
from components.data_validation.findings import Fault
from components.data_validation.record_view import LABEL, TEXT, RecordView


def check(record: RecordView, context: CheckContext) -> Iterator[Fault]:
    """One fault per box whose text is not its id's, or is in no label map (then training drops the box)."""
    labels = record.labels.tolist()
    if labels and len(labels) != len(record.texts):
        return  # without texts there is nothing to compare, and box_lengths reports another number of them
    known = {text for texts in context.texts_by_id.values() for text in texts}
    for index, text in enumerate(record.texts):
        field = f"{TEXT}[{index}]"
        if text not in known:
            mend = "write the class name as the label map has it, or add it there: training drops this box"
            yield Fault(field, repr(text), f"one of {context.known_classes}", mend)
        elif labels and text not in context.texts_by_id.get(labels[index], (text,)):
            name = context.class_name(labels[index])
            mend = f"make {LABEL}[{index}] and {field} name the same class: training goes by the text"
            yield Fault(field, f"{text!r} with id {labels[index]}", f"the name of id {name}", mend)
