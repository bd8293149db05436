"""The image has the three 8-bit channels that training makes of any image."""

from __future__ import annotations

from collections.abc import Iterator

from components.data_validation.checks.context import CheckContext
from components.data_validation.findings import Fault
from components.data_validation.record_view import ENCODED, RecordView

# A palette (P) is only another way to write RGB down.
_FINE = ("RGB", "P")
_NAMES = {
    "L": "greyscale",
    "1": "black and white",
    "CMYK": "CMYK",
    "RGBA": "RGB with alpha",
    "LA": "grey with alpha",
}


def check(record: RecordView, context: CheckContext) -> Iterator[Fault]:
    """At most one fault."""
    mode = record.image.mode
    if mode and mode not in _FINE:
        found = _NAMES.get(
            mode, f"16 or more bits a channel ({mode})" if mode.startswith(("I", "F")) else mode
        )
        yield Fault(ENCODED, found, "8-bit RGB", "store the image as 8-bit RGB, or see that it is meant so")
