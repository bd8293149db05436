"""Each class has boxes in each split: without them it cannot be learned, or cannot be measured."""

from __future__ import annotations

from collections.abc import Iterator

from components.data_validation.checks.context import CheckContext
from components.data_validation.checks.dataset import SplitView
from components.data_validation.findings import Fault, PlacedFault


def check(splits: tuple[SplitView, ...], context: CheckContext) -> Iterator[PlacedFault]:
    """One fault per class and split with records."""
    for split in splits:
        if not any(shard.records for shard in split.shards):
            continue
        for class_id in sorted(context.texts_by_id):
            if any(shard.boxes_by_class[class_id] for shard in split.shards):
                continue
            consequence = "its AP is n/a" if split.name == "eval" else "the model cannot learn it"
            found = f"no box of class {context.class_name(class_id)} in {split.name}: {consequence}"
            mend = f"add images with it to {split.name}, or take it out of the label map"
            yield PlacedFault(Fault(f"{split.name}: class {class_id}", found, "at least one box", mend))
