"""The recorded format is the image's."""

from __future__ import annotations

from collections.abc import Iterator

from components.data_validation.checks.context import CheckContext
from components.data_validation.findings import Fault
from components.data_validation.record_view import FORMAT, RecordView

_SAME = {"jpg": "jpeg"}


def check(record: RecordView, context: CheckContext) -> Iterator[Fault]:
    """At most one fault; a record that names no format is fine."""
    recorded, actual = record.image_format, record.image.format.lower()
    if recorded and actual and _SAME.get(recorded, recorded) != actual:
        yield Fault(FORMAT, recorded, f"{actual}, as the encoded image is", f"write {actual} there")
