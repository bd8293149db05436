"""Gathers the groundtruth of the eval records into a COCO file."""

from __future__ import annotations

from typing import Any

import numpy as np

from detection.config.label_map import LabelMap
from detection.errors import DataError


class GroundtruthRows:
    """Collects batches of the evaluation input; ids count from 1 in record order.

    Args:
        label_map: The classes; an object of another class is a DataError that names its record.
    """

    def __init__(self, label_map: LabelMap) -> None:
        self._label_map = label_map
        self._known = set(label_map.ids)
        self._images: list[dict[str, Any]] = []
        self._annotations: list[dict[str, Any]] = []
        self._cut_off = 0
        self.names: list[str] = []

    @property
    def images(self) -> int:
        """How many images were added."""
        return len(self._images)

    def add(self, features: dict[str, Any], groundtruth: Any) -> None:
        """Adds a batch of ``build_eval_dataset``."""
        sizes = features["original_shape"].numpy()
        padded = np.array(features["image"].shape[1:3], dtype=np.float64)
        true = features["true_image_shape"].numpy()[:, :2].astype(np.float64)
        # Boxes are relative to the padded network input; people and COCO mean the original image.
        scale = np.tile(sizes * padded / true, (1, 2))[:, None, :]
        boxes_yxyx_pixels = groundtruth.boxes_yxyx_normalized.numpy().astype(np.float64) * scale
        counts = features["num_boxes"].numpy()
        self._cut_off += int((features["num_boxes_in_record"].numpy() - counts).sum())
        labels, crowd = groundtruth.labels.numpy(), groundtruth.is_crowd.numpy()
        area = groundtruth.area.numpy()
        source_ids, indexes = features["source_id"].numpy(), features["record_index"].numpy()
        for row, count in enumerate(counts.tolist()):
            source_id = source_ids[row].decode("utf-8", errors="replace")
            self._add_image(source_id, int(indexes[row]), sizes[row].tolist())
            self._add_boxes(
                boxes_yxyx_pixels[row, :count], labels[row, :count], crowd[row, :count], area[row, :count]
            )

    def _add_image(self, source_id: str, record_index: int, size: list[int]) -> None:
        image_id = self.images + 1
        self.names.append(source_id or f"record {record_index}")
        self._images.append(
            {
                "id": image_id,
                "width": size[1],
                "height": size[0],
                "file_name": source_id,
                "source_id": source_id,
                "record_index": record_index,
            }
        )

    def _add_boxes(self, boxes_yxyx_pixels: Any, labels: Any, crowd: Any, area: Any) -> None:
        columns = zip(boxes_yxyx_pixels.tolist(), labels.tolist(), crowd.tolist(), area.tolist(), strict=True)
        for (top, left, bottom, right), label, is_crowd, stored_area in columns:
            if label not in self._known:
                raise DataError(
                    "a record has a class that the label map does not list",
                    field="image/object/class/label",
                    found=f"{label} in {self.names[-1]}",
                    expected=", ".join(map(str, self._label_map.ids)),
                    mend="add the class to the label map; data_validation finds all such records",
                )
            width, height = right - left, bottom - top
            self._annotations.append(
                {
                    "id": len(self._annotations) + 1,
                    "image_id": self.images,
                    "category_id": label,
                    "bbox": [round(value, 4) for value in (left, top, width, height)],
                    "area": round(stored_area if stored_area > 0 else width * height, 4),
                    "iscrowd": 1 if is_crowd else 0,
                }
            )

    def as_coco(self, eval_digest: str) -> dict[str, Any]:
        """The content of groundtruth.json."""
        return {
            "info": {"eval_digest": eval_digest},
            "images": self._images,
            "annotations": self._annotations,
            "categories": [
                {"id": number, "name": name} for number, name in sorted(self._label_map.name_by_id.items())
            ],
        }

    def notes(self) -> list[str]:
        """What was left out."""
        if not self._cut_off:
            return []
        return [f"{self._cut_off} groundtruth boxes were left out: their images have too many."]
