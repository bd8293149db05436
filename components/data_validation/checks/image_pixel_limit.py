"""No image takes more memory than the policy allows: a decompression bomb is small until it is decoded."""

from __future__ import annotations

from collections.abc import Iterator

from components.data_validation.checks.context import CheckContext
from components.data_validation.findings import Fault
from components.data_validation.record_view import ENCODED, RecordView


def check(record: RecordView, context: CheckContext) -> Iterator[Fault]:
    """At most one fault."""
    image = record.image
    if not image.too_large:
        return
    limit = context.limits.image_pixel_limit.max_pixels
    pixels = f"{image.width}x{image.height} = {image.width * image.height} pixels"
    found = f"{pixels} in {len(record.encoded_image)} bytes"
    mend = "leave the image out, make it smaller, or raise image_pixel_limit.max_pixels in the policy"
    yield Fault(ENCODED, found, f"at most {limit} pixels", mend)
