"""Shards of one split, filled drive by drive, and counts of what went in."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pipeline.data.scenes.sequences import Frame
from pipeline.data.tf_example_writing import write_record


class ShardWriter:
    """Writes the shards ``<split>-00000-of-00004.tfrecord`` of one split.

    Args:
        folder: Where they go.
        split: Name of the split.
        shards: How many.
        stack: Closes the files.
    """

    def __init__(self, folder: Path, split: str, shards: int, stack: ExitStack) -> None:
        self._paths = [folder / f"{split}-{index:05d}-of-{shards:05d}.tfrecord" for index in range(shards)]
        self._streams = [stack.enter_context(path.open("wb")) for path in self._paths]
        self._sequences: set[int] = set()
        self._images: Counter[str] = Counter()
        self._boxes: Counter[str] = Counter()

    def write(self, sequence: int, condition: str, frame: Frame, record: bytes) -> None:
        """Appends one picture of the drive number ``sequence``; a drive stays within one shard."""
        write_record(self._streams[sequence % len(self._streams)], record)
        self._sequences.add(sequence)
        self._images[condition] += 1
        self._boxes.update(box.class_name for box in frame.boxes)

    def flush(self) -> None:
        """Makes sure that everything is on the disk."""
        for stream in self._streams:
            stream.flush()
            os.fsync(stream.fileno())

    def counts(self) -> dict[str, Any]:
        """What was written, after ``flush``."""
        return {
            "sequences": len(self._sequences),
            "images": sum(self._images.values()),
            "images_by_condition": dict(sorted(self._images.items())),
            "boxes_by_class": dict(sorted(self._boxes.items())),
            "shards": {path.name: path.stat().st_size for path in self._paths},
        }
