"""No image is in two splits: the evaluation would test what was trained on (leakage)."""

from __future__ import annotations

from collections.abc import Iterator

from components.data_validation.checks.context import CheckContext
from components.data_validation.checks.dataset import SplitView
from components.data_validation.checks.image_index import equal_images
from components.data_validation.findings import Fault, PlacedFault
from components.data_validation.record_view import ENCODED


def check(splits: tuple[SplitView, ...], context: CheckContext) -> Iterator[PlacedFault]:
    """One fault per image of a later split that an earlier split has, placed at the later one."""
    for places in equal_images(splits):
        first = places[0]
        for place in places[1:]:
            if place.split == first.split:
                continue
            found = f"the same image as record {first.record} of {first.shard}, in {first.split}"
            mend = f"leave it out of {first.split} or of {place.split}; split by sequence, not by frame"
            fault = Fault(ENCODED, found, f"no image of {first.split} in {place.split}", mend)
            yield PlacedFault(fault, place.shard, place.record)
