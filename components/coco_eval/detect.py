"""Runs a detector over the eval split once and writes COCO files: detections.json and groundtruth.json.

Detections go to the file batch by batch, so memory does not grow with them; both files appear only when they
are complete. Image ids are 1, 2, ... in the order of the records, whatever ``source_id`` is (it may repeat or
be empty).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.coco_eval.groundtruth_rows import GroundtruthRows
from components.coco_eval.json_files import JsonArrayFile, write_json
from components.coco_eval.metrics import DETECTIONS_FILE, GROUNDTRUTH_FILE
from components.data_validation.manifest import Manifest, load_manifest
from components.progress import Progress
from detection.config import pipeline_pb2 as pb
from detection.config.label_map import LabelMap, load_label_map
from detection.config.reading import load_pipeline_config
from detection.errors import ConfigError, DataError
from detection.inference import DetectedBatch, Predictor, open_predictor
from detection.input.eval_dataset import build_eval_dataset
from detection.input.reading_errors import reading_errors
from storage import local_path

PIPELINE_FILE = "pipeline.config"
# The OD API cuts the groundtruth of evaluation off after 100 boxes; here every box counts.
MOST_BOXES_PER_IMAGE = 2000


@dataclass(frozen=True)
class DetectionRun:
    """What a run over the eval split was.

    Attributes:
        images: Images detected.
        images_per_second: Speed after the first batch (which includes tracing); None for a single batch.
        eval_digest: The split's digest.
        files: The local shards, in the order read.
        notes: What a reader of the numbers should know.
    """

    images: int
    images_per_second: float | None
    eval_digest: str
    files: tuple[str, ...]
    notes: tuple[str, ...]


def detect_split(
    *,
    model: str | Path,
    manifest: str | Path,
    pipeline_config: Path | None,
    output_dir: Path,
    batch_size: int = 8,
    split: str = "eval",
    progress_step: str = "coco_eval",
) -> DetectionRun:
    """Detects on every record of a split; writes both COCO files to ``output_dir``.

    Raises:
        UserError: For a model, config, label map or record that does not fit, by name.
    """
    config_path = find_pipeline_config(model, pipeline_config)
    facts = load_manifest(manifest)
    data = facts.split(split)
    files = tuple(str(local_path(uri)) for uri in data.uris)
    label_map = manifest_label_map(facts, manifest)
    predictor = open_predictor(model, config_path)
    return detect_files(
        predictor=predictor,
        config=load_pipeline_config(config_path),
        files=files,
        label_map=label_map,
        output_dir=output_dir,
        eval_digest=data.digest,
        records=data.records,
        batch_size=batch_size,
        progress_step=progress_step,
    )


def find_pipeline_config(model: str | Path, pipeline_config: Path | None) -> Path:
    """The given config, or the one that an exported bundle brings.

    Raises:
        ConfigError: Where there is neither.
    """
    if pipeline_config is not None:
        return pipeline_config
    beside = Path(model) / PIPELINE_FILE
    if not beside.is_file():
        raise ConfigError(
            "the model's pipeline.config is needed",
            file=model,
            field="pipeline_config",
            found="nothing",
            expected=f"a path, or {PIPELINE_FILE} in the model's folder",
        )
    return beside


def manifest_label_map(manifest: Manifest, source: str | Path) -> LabelMap:
    """The label map that the data was validated against.

    Raises:
        DataError: Where the file has other classes now than the manifest.
    """
    label_map = load_label_map(local_path(manifest.label_map.uri))
    validated = sorted(item.id for item in manifest.label_map.items if item.id > 0)
    if validated != sorted(label_map.ids):
        raise DataError(
            "the label map is not the one that the data was validated against",
            file=manifest.label_map.uri,
            field="item.id",
            found=", ".join(map(str, label_map.ids)),
            expected=f"{', '.join(map(str, validated))} (as in {source})",
            mend="run data_validation again",
        )
    return label_map


def detect_files(
    *,
    predictor: Predictor,
    config: pb.TrainEvalPipelineConfig,
    files: tuple[str, ...],
    label_map: LabelMap,
    output_dir: Path,
    eval_digest: str,
    records: int,
    batch_size: int = 8,
    progress_step: str = "coco_eval",
) -> DetectionRun:
    """As ``detect_split``, with the parts given: local ``files`` with ``records`` records in all."""
    one_size = predictor.image_shape is not None
    dataset = build_eval_dataset(
        _with_all_boxes(config),
        files=files,
        label_map=label_map,
        preprocess=predictor.preprocess,
        image_shape=predictor.image_shape,
        batch_size=batch_size if one_size else 1,
    )
    writer = _DetectionWriter(label_map)
    rows = GroundtruthRows(label_map)
    progress = Progress(progress_step, records, "images")
    speed = _Speed()
    with JsonArrayFile(output_dir / DETECTIONS_FILE) as stream:
        for features, groundtruth in _batches(dataset):
            found = predictor.predict(features["image"], features["true_image_shape"])
            first_id = rows.images + 1
            rows.add(features, groundtruth)
            sizes = features["original_shape"].numpy()
            stream.append_encoded(writer.encode(found, first_id, sizes, rows.names))
            speed.count(len(sizes))
            measured = speed.images_per_second
            progress.report(rows.images, **({} if measured is None else {"images_per_second": measured}))
    write_json(output_dir / GROUNDTRUTH_FILE, rows.as_coco(eval_digest))
    return DetectionRun(
        images=rows.images,
        images_per_second=speed.images_per_second,
        eval_digest=eval_digest,
        files=files,
        notes=(*_unknown_to_model(config, label_map), *rows.notes(), *writer.notes()),
    )


def _unknown_to_model(config: pb.TrainEvalPipelineConfig, label_map: LabelMap) -> list[str]:
    most = int(config.model.ssd.num_classes)
    return [
        f"The model has {most} classes, so it can never find class {number} {name}: its AP is 0."
        for number, name in label_map.name_by_id.items()
        if number > most
    ]


def _with_all_boxes(config: pb.TrainEvalPipelineConfig) -> pb.TrainEvalPipelineConfig:
    whole = pb.TrainEvalPipelineConfig()
    whole.CopyFrom(config)
    if not whole.eval_input_reader:
        whole.eval_input_reader.add()
    whole.eval_input_reader[0].max_number_of_boxes = MOST_BOXES_PER_IMAGE
    return whole


def _batches(dataset: Any) -> Any:
    """Iterates with reading errors turned into clear ones, and only those."""
    iterator = iter(dataset)
    while True:
        with reading_errors():
            batch = next(iterator, None)
        if batch is None:
            return
        yield batch


class _Speed:
    """Images per second after the first batch."""

    def __init__(self) -> None:
        self._started: float | None = None
        self._images = 0
        self.images_per_second: float | None = None

    def count(self, images: int) -> None:
        now = time.monotonic()
        if self._started is None:
            self._started = now
            return
        self._images += images
        self.images_per_second = self._images / max(now - self._started, 1e-9)


class _DetectionWriter:
    """Turns detected batches into lines of COCO results."""

    def __init__(self, label_map: LabelMap) -> None:
        self._known = np.array(sorted(label_map.ids), dtype=np.int64)
        self._unlisted = 0

    def encode(
        self, batch: DetectedBatch, first_id: int, sizes: NDArray[np.int32], names: list[str]
    ) -> list[str]:
        """One JSON object for each valid detection, in the order of images and falling scores."""
        count, most = batch.scores.shape
        valid = np.arange(most)[None, :] < batch.counts[:, None]
        listed = np.isin(batch.category_ids, self._known)
        self._unlisted += int(np.count_nonzero(valid & ~listed))
        image, place = np.nonzero(valid & listed)
        scale = sizes[:, [0, 1, 0, 1]].astype(np.float64)[:, None, :]
        corners = (batch.boxes_yxyx_normalized * scale)[image, place]
        scores = batch.scores[image, place].astype(np.float64)
        self._refuse_not_finite(corners, scores, image, names[-count:])
        top_left, sides = corners[:, [1, 0]], corners[:, [3, 2]] - corners[:, [1, 0]]
        columns = zip(
            (image + first_id).tolist(),
            batch.category_ids[image, place].tolist(),
            *top_left.T.tolist(),
            *np.maximum(sides, 0.0).T.tolist(),
            scores.tolist(),
            strict=True,
        )
        return [
            # Nine digits give a float32 back exactly; a 10,000th of a pixel is finer than any IoU needs.
            f'{{"image_id":{number},"category_id":{category},'
            f'"bbox":[{x:.4f},{y:.4f},{width:.4f},{height:.4f}],"score":{score:.9g}}}'
            for number, category, x, y, width, height, score in columns
        ]

    def _refuse_not_finite(
        self,
        corners: NDArray[np.float64],
        scores: NDArray[np.float64],
        image: NDArray[np.int64],
        names: list[str],
    ) -> None:
        bad = np.flatnonzero(~(np.isfinite(corners).all(axis=1) & np.isfinite(scores)))
        if len(bad):
            raise DataError(
                "the model gave a box or a score that is not a finite number",
                field="detection_boxes, detection_scores",
                found=f"{len(bad)} detections, the first on {names[image[bad[0]]]}",
                mend="the weights are broken: look at the training curves, lower the learning rate",
            )

    def notes(self) -> list[str]:
        """What was left out."""
        if not self._unlisted:
            return []
        return [f"{self._unlisted} detections of class ids that the label map does not list were left out."]
