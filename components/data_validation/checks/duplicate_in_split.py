"""No image is twice in a split: it would count double."""

from __future__ import annotations

from collections.abc import Iterator

from components.data_validation.checks.context import CheckContext
from components.data_validation.checks.dataset import SplitView
from components.data_validation.checks.image_index import ImagePlace, equal_images
from components.data_validation.findings import Fault, PlacedFault
from components.data_validation.record_view import ENCODED


def check(splits: tuple[SplitView, ...], context: CheckContext) -> Iterator[PlacedFault]:
    """One fault per repetition, placed at the repetition, naming the first."""
    for places in equal_images(splits):
        first: dict[str, ImagePlace] = {}
        for place in places:
            earlier = first.setdefault(place.split, place)
            if earlier is not place:
                found = f"the same image as record {earlier.record} of {earlier.shard}"
                fault = Fault(ENCODED, found, f"each image once in {place.split}", "leave one of the two out")
                yield PlacedFault(fault, place.shard, place.record)
