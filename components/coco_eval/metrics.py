"""The form of metrics.json and curves.json, which later steps and people read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from components.coco_eval.coco_arrays import Category
from components.coco_eval.json_files import read_json, write_json
from components.coco_eval.scorers import RECALL_THRESHOLDS
from components.coco_eval.scoring import METRIC_NAMES, ClassScores, Scores
from detection.errors import DataError

SCHEMA_VERSION = 1
METRICS_FILE = "metrics.json"
CURVES_FILE = "curves.json"
DETECTIONS_FILE = "detections.json"
GROUNDTRUTH_FILE = "groundtruth.json"


@dataclass(frozen=True)
class Evaluation:
    """What metrics.json holds.

    Attributes:
        metrics: The 12 COCO numbers, 0 to 1, None where there is no groundtruth (n/a).
        per_class: Class name to its 12 numbers and ``id``, ``images``, ``boxes``, ``crowds``, ``detections``
            and ``best_f1`` (``threshold``, ``precision``, ``recall``, ``f1`` at IoU 0.5, or None).
        images: Number of images scored.
        images_per_second: Speed of the detection, without its first batch; None where only scoring was done.
        eval_digest: Digest of the eval data.
        label_map: ``{"id", "name"}`` of each class, by ascending id.
        scorer: ``hotcoco`` or ``pycocotools``.
        notes: What a reader of the numbers should know, in sentences.
    """

    metrics: dict[str, float | None]
    per_class: dict[str, dict[str, Any]]
    images: int
    images_per_second: float | None
    eval_digest: str
    label_map: tuple[dict[str, Any], ...]
    scorer: str
    notes: tuple[str, ...] = ()


def make_evaluation(
    scores: Scores,
    *,
    images: int,
    eval_digest: str,
    images_per_second: float | None = None,
    notes: Sequence[str] = (),
) -> Evaluation:
    """Gathers ``Evaluation`` from scores, and adds a note for each class that has no groundtruth."""
    absent = [item.category.name for item in scores.per_class if not item.boxes]
    without = [f"No groundtruth boxes of class {name}: its numbers are n/a." for name in absent]
    return Evaluation(
        metrics=scores.metrics,
        per_class={item.category.name: _class_entry(item) for item in scores.per_class},
        images=images,
        images_per_second=None if images_per_second is None else round(images_per_second, 3),
        eval_digest=eval_digest,
        label_map=tuple(_label_entry(item.category) for item in scores.per_class),
        scorer=scores.scorer,
        notes=(*notes, *without),
    )


def _class_entry(item: ClassScores) -> dict[str, Any]:
    return {
        "id": item.category.id,
        **item.metrics,
        "images": item.images,
        "boxes": item.boxes,
        "crowds": item.crowds,
        "detections": item.detections,
        "best_f1": None if item.best is None else asdict(item.best),
    }


def _label_entry(category: Category) -> dict[str, Any]:
    return {"id": category.id, "name": category.name}


def write_evaluation(folder: Path, evaluation: Evaluation) -> Path:
    """Writes ``metrics.json`` into ``folder``, atomically."""
    path = folder / METRICS_FILE
    write_json(path, {"schema_version": SCHEMA_VERSION, **asdict(evaluation)})
    return path


def write_curves(folder: Path, scores: Scores) -> Path:
    """Writes ``curves.json``: per class, precision at the 101 ``recall`` values, None without groundtruth."""
    path = folder / CURVES_FILE
    classes = {
        item.category.name: None
        if item.curve is None
        else {
            "iou_50": item.curve.at_iou_50.tolist(),
            "iou_75": item.curve.at_iou_75.tolist(),
            "mean": item.curve.mean.tolist(),
        }
        for item in scores.per_class
    }
    write_json(
        path,
        {"schema_version": SCHEMA_VERSION, "recall": RECALL_THRESHOLDS.tolist(), "precision": classes},
    )
    return path


def read_evaluation(folder_or_file: Path) -> Evaluation:
    """Reads ``metrics.json`` back; values are as written, so a NaN put in by hand is still there.

    Raises:
        DataError: Where the file is missing or lacks a field.
    """
    path = folder_or_file / METRICS_FILE if folder_or_file.is_dir() else folder_or_file
    content = read_json(path)
    wanted = ("metrics", "per_class", "images", "eval_digest", "label_map", "scorer")
    missing = [name for name in wanted if not isinstance(content, dict) or name not in content]
    if missing:
        raise DataError(
            "this is not a metrics.json of coco_eval", file=path, field=missing[0], found="nothing"
        )
    unknown = [name for name in METRIC_NAMES if name not in content["metrics"]]
    if unknown:
        raise DataError("metrics.json lacks a metric", file=path, field=f"metrics.{unknown[0]}")
    return Evaluation(
        metrics=content["metrics"],
        per_class=content["per_class"],
        images=content["images"],
        images_per_second=content.get("images_per_second"),
        eval_digest=content["eval_digest"],
        label_map=tuple(content["label_map"]),
        scorer=content["scorer"],
        notes=tuple(content.get("notes", ())),
    )
