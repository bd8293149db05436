"""A look into TFRecords of TFExamples: how many records, which sizes, which boxes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from components.data_validation import framing
from components.data_validation.example_proto import Example
from detection.errors import DataError
from storage import list_uris, open_read, size


@dataclass(frozen=True)
class Record:
    """One record as it stands in the file.

    Attributes:
        uri: The shard.
        index: Number of the record within it, from 0.
        encoded: The encoded picture.
        name: ``image/source_id``, or the file name, or ''.
        width: Recorded width, 0 if there is none.
        height: Recorded height, 0 if there is none.
        boxes_yxyx_normalized: [N, 4] float32.
        labels: [N] ids; empty where the record has none.
        texts: [N] class names; empty where the record has none.
    """

    uri: str
    index: int
    encoded: bytes
    name: str
    width: int
    height: int
    boxes_yxyx_normalized: np.ndarray
    labels: tuple[int, ...]
    texts: tuple[str, ...]

    def class_names(self) -> list[str]:
        """What to call each box: ``name (id)``, or the part of it that is there."""
        names = []
        for position in range(len(self.boxes_yxyx_normalized)):
            text = self.texts[position] if position < len(self.texts) else ""
            label = f"({self.labels[position]})" if position < len(self.labels) else ""
            names.append(" ".join(part for part in (text, label) if part) or "?")
        return names


@dataclass
class ShardSummary:
    """What is in one shard, or in several together."""

    uri: str
    records: int = 0
    boxes: int = 0
    images_without_boxes: int = 0
    sizes: Counter[str] = field(default_factory=Counter)
    boxes_by_class: Counter[str] = field(default_factory=Counter)
    least_box_height: float | None = None
    most_box_height: float | None = None

    def add(self, record: Record) -> None:
        """Counts one record."""
        self.records += 1
        count = len(record.boxes_yxyx_normalized)
        self.boxes += count
        self.images_without_boxes += count == 0
        self.sizes[f"{record.width}x{record.height}"] += 1
        self.boxes_by_class.update(record.class_names())
        if count:
            heights = record.boxes_yxyx_normalized[:, 2] - record.boxes_yxyx_normalized[:, 0]
            self._heights(float(heights.min()), float(heights.max()))

    def _heights(self, least: float, most: float) -> None:
        self.least_box_height = least if self.least_box_height is None else min(self.least_box_height, least)
        self.most_box_height = most if self.most_box_height is None else max(self.most_box_height, most)

    def merge(self, other: ShardSummary) -> None:
        """Counts another summary in."""
        self.records += other.records
        self.boxes += other.boxes
        self.images_without_boxes += other.images_without_boxes
        self.sizes += other.sizes
        self.boxes_by_class += other.boxes_by_class
        if other.least_box_height is not None and other.most_box_height is not None:
            self._heights(other.least_box_height, other.most_box_height)

    def as_json(self) -> dict[str, Any]:
        """All of it as JSON values; heights are shares of the picture's height."""
        return {
            "uri": self.uri,
            "records": self.records,
            "boxes": self.boxes,
            "images_without_boxes": self.images_without_boxes,
            "sizes": dict(sorted(self.sizes.items())),
            "boxes_by_class": dict(sorted(self.boxes_by_class.items())),
            "least_box_height": self.least_box_height,
            "most_box_height": self.most_box_height,
        }


def find_shards(patterns: Sequence[str]) -> list[str]:
    """The shards that the patterns name, each once, in order.

    Raises:
        DataError: A pattern names nothing.
    """
    found: dict[str, None] = {}
    for pattern in patterns:
        uris = list_uris(pattern)
        if not uris:
            raise DataError(
                "No file has such a name.", file=pattern, mend="check the path; quote a pattern for the shell"
            )
        found.update(dict.fromkeys(uris))
    return list(found)


def read_records(uri: str) -> Iterator[Record]:
    """The records of one shard in order.

    Raises:
        DataError: The file is no TFRecord, is cut short or damaged, or holds something else than TFExamples.
    """
    length = size(uri)
    if length is None:
        raise DataError("There is no such file.", file=uri)
    with open_read(uri) as stream:
        for framed in framing.read_records(stream, length, length, lambda _: None):
            if framed.fault is not None or framed.data is None:
                fault = framed.fault
                raise DataError(
                    "The file is damaged, or no TFRecord.",
                    file=uri,
                    field=f"record {framed.index}" + (f", {fault.field}" if fault else ""),
                    found=fault.found if fault else None,
                    expected=fault.expected if fault else None,
                    mend=fault.mend if fault else None,
                )
            yield _parse(uri, framed.index, framed.data)


def _parse(uri: str, index: int, content: bytes) -> Record:
    try:
        example = Example.FromString(content)
    except DecodeError:
        raise DataError("A record is no TFExample.", file=uri, field=f"record {index}") from None
    feature = example.features.feature
    sides = [
        feature[f"image/object/bbox/{side}"].float_list.value for side in ("ymin", "xmin", "ymax", "xmax")
    ]
    if len({len(side) for side in sides}) != 1:
        raise DataError(
            "The four lists of box edges differ in length.",
            file=uri,
            field=f"record {index}, image/object/bbox/*",
            found=", ".join(str(len(side)) for side in sides),
        )
    names = [*feature["image/source_id"].bytes_list.value, *feature["image/filename"].bytes_list.value, b""]
    return Record(
        uri=uri,
        index=index,
        encoded=b"".join(feature["image/encoded"].bytes_list.value[:1]),
        name=names[0].decode(errors="replace"),
        width=_first(feature["image/width"].int64_list.value),
        height=_first(feature["image/height"].int64_list.value),
        boxes_yxyx_normalized=np.array([list(side) for side in sides], dtype=np.float32).T.reshape(-1, 4),
        labels=tuple(feature["image/object/class/label"].int64_list.value),
        texts=tuple(
            text.decode(errors="replace") for text in feature["image/object/class/text"].bytes_list.value
        ),
    )


def _first(values: Sequence[int]) -> int:
    return int(values[0]) if values else 0
