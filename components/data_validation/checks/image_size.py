"""The recorded size is the image's."""

from __future__ import annotations

from collections.abc import Iterator

from components.data_validation.checks.context import CheckContext
from components.data_validation.findings import Fault
from components.data_validation.record_view import HEIGHT, WIDTH, RecordView


def check(record: RecordView, context: CheckContext) -> Iterator[Fault]:
    """One fault for each of height and width that differs; without a header there is nothing to compare."""
    for name, actual in ((HEIGHT, record.image.height), (WIDTH, record.image.width)):
        recorded = record.first_int(name)
        if actual and recorded is not None and recorded != actual:
            mend = f"write the encoded image's own size: {record.image.width}x{record.image.height}"
            yield Fault(name, str(recorded), f"{actual}, as the encoded image has", mend)
