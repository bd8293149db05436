"""Checks groundtruth and detections before they are scored.

The COCO evaluators let bad input change the numbers silently: one box that is NaN raised AP from 0.168 to
0.240, an annotation with id 0 counts as never found, an unknown image ends in a traceback (measured).
So everything is checked here first, and what is wrong is refused by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.coco_eval.coco_arrays import Category, DetectionColumns, EvalImage, GroundtruthColumns
from components.coco_eval.columns import (
    Entries,
    box_column,
    check_entries,
    index_of,
    integer_column,
    number_column,
    refuse_repeated,
)
from detection.errors import DataError


@dataclass(frozen=True)
class CheckedDetections:
    """Detections that may be scored, and what a reader of the numbers should know about them."""

    detections: DetectionColumns
    notes: tuple[str, ...]


def check_groundtruth(content: Any, file: str = "groundtruth.json") -> GroundtruthColumns:
    """Checks the content of a COCO groundtruth file.

    Args:
        content: The parsed JSON: ``images``, ``annotations``, ``categories``. ``iscrowd`` may be missing (0)
            and ``area`` too (the area of the box).
        file: Its name, for messages.

    Raises:
        DataError: Naming the file, the entry, what was found and what was expected.
    """
    if not isinstance(content, dict):
        raise DataError(
            "the groundtruth is not a COCO file",
            file=file,
            found=type(content).__name__,
            expected="an object with images, annotations and categories",
        )
    for part in ("images", "annotations", "categories"):
        if part not in content:
            raise DataError("the groundtruth lacks a part", file=file, field=part, expected="a list")
    images = _check_images(check_entries(content["images"], file, "images"))
    categories = _check_categories(check_entries(content["categories"], file, "categories"))
    return _check_annotations(check_entries(content["annotations"], file, "annotations"), images, categories)


def _check_images(entries: Entries) -> tuple[EvalImage, ...]:
    if not entries.items:
        raise DataError("the groundtruth has no images", file=entries.file, field="images", found="[]")
    ids = integer_column(entries, "id")
    refuse_repeated(entries, "id", ids)
    sizes = {}
    for field in ("width", "height"):
        sizes[field] = number_column(entries, field, default=lambda row: 0.0)
        negative = np.flatnonzero(sizes[field] < 0).tolist()
        if negative:
            entries.refuse(f"an image has a negative {field}", negative, field, expected="pixels")
    order = np.argsort(ids, kind="stable")
    return tuple(
        _image(entries.items[row], int(ids[row]), sizes["width"][row], sizes["height"][row]) for row in order
    )


def _image(item: dict[str, Any], image_id: int, width: float, height: float) -> EvalImage:
    record = item.get("record_index")
    return EvalImage(
        id=image_id,
        width=int(width) or None,
        height=int(height) or None,
        file_name=str(item.get("file_name") or item.get("source_id") or ""),
        record_index=record if type(record) is int else None,
    )


def _check_categories(entries: Entries) -> tuple[Category, ...]:
    if not entries.items:
        raise DataError("the groundtruth has no classes", file=entries.file, field="categories", found="[]")
    ids = integer_column(entries, "id")
    refuse_repeated(entries, "id", ids)
    names = [item.get("name") for item in entries.items]
    nameless = [row for row, name in enumerate(names) if not isinstance(name, str) or not name.strip()]
    if nameless:
        entries.refuse("a class has no name", nameless, "name", expected="text")
    seen: dict[str, int] = {}
    twice = [row for row, name in enumerate(names) if seen.setdefault(str(name), row) != row]
    if twice:
        entries.refuse("two classes have the same name", twice, "name", expected="every name once")
    return tuple(Category(int(ids[row]), str(names[row])) for row in np.argsort(ids, kind="stable"))


def _check_annotations(
    entries: Entries, images: tuple[EvalImage, ...], categories: tuple[Category, ...]
) -> GroundtruthColumns:
    ids = integer_column(entries, "id")
    low = np.flatnonzero(ids < 1).tolist()
    if low:
        entries.refuse(
            "an annotation id is 0 or negative",
            low,
            "id",
            expected="1 or more",
            mend="number them from 1: evaluators take id 0 for 'not matched', which lowers the score",
        )
    refuse_repeated(entries, "id", ids)
    boxes = box_column(entries)
    areas = number_column(entries, "area", default=lambda row: float(boxes[row, 2] * boxes[row, 3]))
    negative = np.flatnonzero(areas < 0).tolist()
    if negative:
        entries.refuse("an area is negative", negative, "area", expected="square pixels")
    columns = GroundtruthColumns(
        images=images,
        categories=categories,
        annotation_ids=ids,
        image_index=_known_images(entries, images),
        category_index=_known_categories(entries, categories),
        boxes_xywh_pixels=boxes,
        areas=areas,
        is_crowd=_crowd_column(entries),
    )
    if not np.any(~columns.is_crowd):
        raise DataError(
            "the groundtruth has no boxes, so nothing can be measured",
            file=entries.file,
            field="annotations",
            found=f"{len(ids)} annotations, all of them crowd" if len(ids) else "[]",
            expected="at least one box that is not a crowd",
        )
    return columns


def _crowd_column(entries: Entries) -> NDArray[np.bool_]:
    # Some writers give true and false; the standard gives 0 and 1.
    values = [item.get("iscrowd", 0) for item in entries.items]
    bad = [row for row, value in enumerate(values) if not isinstance(value, int) or value not in (0, 1)]
    if bad:
        entries.refuse("iscrowd is neither 0 nor 1", bad, "iscrowd", expected="0 or 1")
    return np.array(values, dtype=bool).reshape(-1)


def _known_images(entries: Entries, images: tuple[EvalImage, ...]) -> NDArray[np.int64]:
    return index_of(
        entries,
        "image_id",
        integer_column(entries, "image_id"),
        np.array([image.id for image in images], dtype=np.int64),
        "an entry names an image that the groundtruth does not have",
        "score detections against the groundtruth of the same images",
    )


def _known_categories(entries: Entries, categories: tuple[Category, ...]) -> NDArray[np.int64]:
    return index_of(
        entries,
        "category_id",
        integer_column(entries, "category_id"),
        np.array([category.id for category in categories], dtype=np.int64),
        "an entry names a class that the groundtruth does not have",
        "use the ids of the groundtruth's categories; a detector's classes may count from 0",
    )


def check_detections(
    content: Any,
    groundtruth: GroundtruthColumns,
    file: str = "detections.json",
    refuse_repetitions: bool = True,
) -> CheckedDetections:
    """Checks the content of a COCO results file against its groundtruth.

    Args:
        content: The parsed JSON list of ``{image_id, category_id, bbox, score}``. An empty list is fine: the
            scores are then 0, with a note.
        groundtruth: The checked groundtruth.
        file: Its name, for messages.
        refuse_repetitions: Whether the same detection twice is an error. It is one in a file from outside
            (two files were joined); what our own detector found is kept as it is, with a note.

    Raises:
        DataError: Naming the file, the entry, what was found and what was expected.
    """
    entries = check_entries(content, file, "detections")
    detections = DetectionColumns(
        image_index=_known_images(entries, groundtruth.images),
        category_index=_known_categories(entries, groundtruth.categories),
        boxes_xywh_pixels=box_column(entries),
        scores=number_column(entries, "score"),
    )
    notes = [] if len(detections) else ["There are no detections at all: what can be measured is 0."]
    repeated = _repeated_rows(detections)
    if repeated:
        problem = "the same detection (image, class, box and score) stands twice"
        if refuse_repetitions:
            entries.refuse(
                problem,
                repeated,
                "bbox",
                expected="every detection once",
                mend="were two result files joined? each repetition counts as a false alarm",
            )
        notes.append(
            f"{len(repeated)} detections repeat an earlier one exactly; each counts as a false alarm."
        )
    return CheckedDetections(detections, tuple(notes))


def _repeated_rows(detections: DetectionColumns) -> list[int]:
    if not len(detections):
        return []
    rows = np.column_stack(
        [
            detections.image_index,
            detections.category_index,
            detections.boxes_xywh_pixels,
            detections.scores,
        ]
    )
    order = np.lexsort(rows.T)
    ordered = rows[order]
    same = np.flatnonzero((ordered[1:] == ordered[:-1]).all(axis=1)) + 1
    return sorted(order[same].tolist())
