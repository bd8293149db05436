"""Each file has records: an empty one is often a writer that died."""

from __future__ import annotations

from collections.abc import Iterator

from components.data_validation.checks.context import CheckContext
from components.data_validation.checks.dataset import SplitView
from components.data_validation.findings import Fault, PlacedFault


def check(splits: tuple[SplitView, ...], context: CheckContext) -> Iterator[PlacedFault]:
    """One fault per file of 0 bytes."""
    for split in splits:
        for shard in split.shards:
            if not shard.bytes:
                fault = Fault("file", "0 bytes", "at least one record", "write the file again, or delete it")
                yield PlacedFault(fault, shard.uri)
