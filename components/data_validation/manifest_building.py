"""The manifest of what was read."""

from __future__ import annotations

from components.data_validation.checks.dataset import SplitView
from components.data_validation.manifest import (
    LabelMapEntry,
    LabelMapFacts,
    Manifest,
    Shard,
    Split,
    build_manifest,
    split_digest,
)
from detection.config.label_map import LabelMap


def manifest_of(label_map_uri: str, label_map: LabelMap | None, splits: tuple[SplitView, ...]) -> Manifest:
    """The manifest of the splits as they were read; no classes where the label map could not be read."""
    names = label_map.name_by_id if label_map else {}
    items = tuple(LabelMapEntry(class_id, name) for class_id, name in names.items())
    facts = LabelMapFacts(label_map_uri, items)
    return build_manifest(facts, {split.name: _manifest_split(split, list(names)) for split in splits})


def _manifest_split(split: SplitView, class_ids: list[int]) -> Split:
    shards = tuple(Shard(shard.uri, shard.bytes, shard.sha256, shard.records) for shard in split.shards)
    boxes = dict.fromkeys(class_ids, 0)
    for shard in split.shards:
        for class_id, count in shard.boxes_by_class.items():
            boxes[class_id] = boxes.get(class_id, 0) + count
    return Split(
        digest=split_digest(shards),
        records=sum(shard.records for shard in shards),
        images=sum(shard.images for shard in split.shards),
        boxes_by_class=boxes,
        shards=shards,
    )
