"""What the data looks like, in numbers: ``statistics.json``."""

from __future__ import annotations

from collections import Counter
from typing import Any

from components.data_validation.checks.context import CheckContext
from components.data_validation.checks.dataset import SplitView

SCHEMA_VERSION = 1


def dataset_statistics(splits: tuple[SplitView, ...], context: CheckContext) -> dict[str, Any]:
    """Statistics of each split; only counts and what follows from them, so the same data gives the same."""
    return {
        "schema_version": SCHEMA_VERSION,
        "num_classes": context.num_classes,
        "splits": {split.name: _split_statistics(split, context) for split in splits},
    }


def _split_statistics(split: SplitView, context: CheckContext) -> dict[str, Any]:
    boxes_per_image: Counter[int] = Counter()
    image_sizes: Counter[tuple[int, int]] = Counter()
    formats: Counter[str] = Counter()
    for shard in split.shards:
        boxes_per_image.update(shard.boxes_per_image)
        image_sizes.update(shard.image_sizes)
        formats.update(shard.image_formats)
    images = sum(shard.images for shard in split.shards)
    boxes = sum(count * times for count, times in boxes_per_image.items())
    return {
        "shards": len(split.shards),
        "bytes": sum(shard.bytes for shard in split.shards),
        "records": sum(shard.records for shard in split.shards),
        "images": images,
        "unlabelled_images": sum(shard.unlabelled for shard in split.shards),
        "boxes": boxes,
        "classes": class_statistics(split, context),
        "boxes_per_image": {
            "mean": round(boxes / images, 4) if images else None,
            "max": max(boxes_per_image, default=None),
            "histogram": {str(count): boxes_per_image[count] for count in sorted(boxes_per_image)},
        },
        "image_sizes": [
            {"width": width, "height": height, "images": count}
            for (width, height), count in sorted(image_sizes.items(), key=lambda item: (-item[1], item[0]))
        ],
        "image_formats": dict(sorted(formats.items())),
    }


def class_statistics(split: SplitView, context: CheckContext) -> list[dict[str, Any]]:
    """One entry per class of the label map, and per id that the data has besides, in the order of the ids."""
    ids = set(context.texts_by_id).union(*(shard.boxes_by_class for shard in split.shards))
    total = sum(sum(shard.boxes_by_class.values()) for shard in split.shards)
    entries = []
    for class_id in sorted(ids):
        boxes = sum(shard.boxes_by_class[class_id] for shard in split.shards)
        areas = [sum(shard.box_areas.get(class_id, [0, 0, 0])[k] for shard in split.shards) for k in range(3)]
        texts = context.texts_by_id.get(class_id)
        entries.append(
            {
                "id": class_id,
                "name": texts[0] if texts else None,
                "boxes": boxes,
                "share": round(boxes / total, 6) if total else None,
                "images": sum(shard.images_by_class[class_id] for shard in split.shards),
                "small": areas[0],
                "medium": areas[1],
                "large": areas[2],
            }
        )
    return entries
