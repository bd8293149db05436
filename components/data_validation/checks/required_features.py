"""Every record has what training cannot do without."""

from __future__ import annotations

from collections.abc import Iterator

from components.data_validation.checks.context import CheckContext
from components.data_validation.findings import Fault
from components.data_validation.record_view import BOX, BOX_SIDES, LABEL, TEXT, RecordView

_SIDES = tuple(BOX + side for side in BOX_SIDES)


def check(record: RecordView, context: CheckContext) -> Iterator[Fault]:
    """One fault per missing feature; a record without any object features is an image without objects."""
    for name in context.limits.required_features.features:
        if not record.count(name):
            yield _missing(name, record, "a value", f"write {name} into each record")
    has_classes = record.count(LABEL) or record.count(TEXT)
    if not has_classes and not any(record.count(side) for side in _SIDES):
        return
    for side in _SIDES:
        if not record.count(side):
            yield _missing(side, record, "one value for each box", "write all four sides of each box")
    if not has_classes:
        yield _missing(LABEL, record, "one id for each box", "write the label-map id of each box")


def _missing(name: str, record: RecordView, expected: str, mend: str) -> Fault:
    found = "no value" if name in record.features else "no such feature"
    return Fault(name, found, expected, mend)
