"""Each split has records."""

from __future__ import annotations

from collections.abc import Iterator

from components.data_validation.checks.context import CheckContext
from components.data_validation.checks.dataset import SplitView
from components.data_validation.findings import Fault, PlacedFault


def check(splits: tuple[SplitView, ...], context: CheckContext) -> Iterator[PlacedFault]:
    """One fault per empty split."""
    for split in splits:
        if not split.shards:
            mend = "check the path; in a pattern * stays within a folder and ** crosses folders"
            expected = "a pattern that names TFRecord files"
            yield PlacedFault(Fault(split.name, f"no file matches {split.pattern}", expected, mend))
        elif not any(shard.records for shard in split.shards):
            found = f"{len(split.shards)} files without one whole record"
            yield PlacedFault(Fault(split.name, found, "records", "check how the files were written"))
