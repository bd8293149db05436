"""The image decodes, to its last byte."""

from __future__ import annotations

from collections.abc import Iterator

from components.data_validation.checks.context import CheckContext
from components.data_validation.findings import Fault
from components.data_validation.image_decoding import FORMATS
from components.data_validation.record_view import ENCODED, RecordView


def check(record: RecordView, context: CheckContext) -> Iterator[Fault]:
    """At most one fault; a missing image is ``required_features``' to report."""
    if not record.encoded_image and not record.count(ENCODED):
        return
    if record.image.problem:
        expected = f"a whole {', '.join(FORMATS[:-1])} or {FORMATS[-1]} file"
        yield Fault(
            ENCODED, record.image.problem, expected, "encode the image again, or leave the record out"
        )
