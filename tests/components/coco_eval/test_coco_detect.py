"""Detecting over TFRecords: ids, coordinates, streaming, and what is refused."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from components.coco_eval import detect
from components.coco_eval.checks import check_detections, check_groundtruth
from components.coco_eval.coco_arrays import EvalImage
from components.coco_eval.detect import detect_files, find_pipeline_config, manifest_label_map
from components.coco_eval.image_sources import RecordImages
from components.coco_eval.json_files import JsonArrayFile, read_json
from components.coco_eval.step import evaluate
from components.data_validation.manifest import (
    LabelMapEntry,
    LabelMapFacts,
    Shard,
    Split,
    build_manifest,
    split_digest,
    write_manifest,
)
from detection.config.label_map import LabelMap, LabelMapItem
from detection.config.reading import parse_pipeline_config
from detection.errors import ConfigError, DataError
from detection.inference import DetectedBatch

LABEL_MAP = LabelMap((LabelMapItem(1, "vehicle"), LabelMapItem(2, "pedestrian"), LabelMapItem(4, "cyclist")))
CONFIG = parse_pipeline_config("model { ssd { num_classes: 4 } }")
Objects = Sequence[tuple[int, tuple[float, float, float, float]]]


def _record(name: str, height: int, width: int, objects: Objects, **lists: Any) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (90, 120, 60)).save(buffer, format="PNG")
    example = tf.train.Example()
    feature = example.features.feature
    feature["image/encoded"].bytes_list.value.append(buffer.getvalue())
    feature["image/format"].bytes_list.value.append(b"png")
    feature["image/source_id"].bytes_list.value.append(name.encode())
    for place, side in enumerate(("ymin", "xmin", "ymax", "xmax")):
        feature[f"image/object/bbox/{side}"].float_list.value.extend(box[place] for _, box in objects)
    feature["image/object/class/label"].int64_list.value.extend(label for label, _ in objects)
    feature["image/object/is_crowd"].int64_list.value.extend(lists.get("is_crowd", []))
    feature["image/object/area"].float_list.value.extend(lists.get("area", []))
    return bytes(example.SerializeToString())


def _write(path: Path, records: Sequence[bytes]) -> str:
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)
    return str(path)


class EchoPredictor:
    """Pads each image to a square and answers with fixed boxes, so that all arithmetic can be foreseen."""

    def __init__(
        self, answer: list[tuple[int, float, tuple[float, float, float, float]]], side: int = 64
    ) -> None:
        self._answer = answer
        self.image_shape: tuple[int, int] | None = (side, side)
        self._side = side
        self.batches: list[int] = []

    def preprocess(self, image: Any) -> tuple[Any, Any]:
        size = tf.shape(image)
        scale = self._side / tf.reduce_max(size[:2])
        height = tf.cast(tf.round(tf.cast(size[0], tf.float64) * scale), tf.int32)
        width = tf.cast(tf.round(tf.cast(size[1], tf.float64) * scale), tf.int32)
        small = tf.image.resize(image, (height, width))
        padded = tf.image.pad_to_bounding_box(small, 0, 0, self._side, self._side)
        return padded, tf.stack([height, width, 3])

    def predict(self, images: Any, true_shapes: Any) -> DetectedBatch:
        count = int(images.shape[0])
        self.batches.append(count)
        boxes = np.zeros((count, 10, 4), np.float32)
        scores, ids = np.zeros((count, 10), np.float32), np.ones((count, 10), np.int64)
        for place, (category, score, box) in enumerate(self._answer):
            boxes[:, place], scores[:, place], ids[:, place] = box, score, category
        return DetectedBatch(boxes, scores, ids, np.full(count, len(self._answer), np.int64))


def _detect(tmp_path: Path, predictor: Any, records: Sequence[bytes], batch_size: int = 4) -> Any:
    files = (_write(tmp_path / "eval-0", records[:2]), _write(tmp_path / "eval-1", records[2:]))
    files = tuple(file for file, part in zip(files, (records[:2], records[2:]), strict=True) if part)
    run = detect_files(
        predictor=predictor,
        config=CONFIG,
        files=files,
        label_map=LABEL_MAP,
        output_dir=tmp_path / "out",
        eval_digest="sha256:0",
        records=len(records),
        batch_size=batch_size,
    )
    return (
        run,
        read_json(tmp_path / "out" / "groundtruth.json"),
        read_json(tmp_path / "out" / "detections.json"),
    )


BOX = (0.25, 0.1, 0.75, 0.5)


def test_boxes_are_pixels_of_the_original_image(tmp_path: Path) -> None:
    records = [
        _record("wide", 50, 200, [(1, BOX), (4, (0.0, 0.0, 1.0, 1.0))], is_crowd=[0, 1]),
        _record("tall", 300, 100, [(2, BOX)], area=[123.0]),
        _record("none", 80, 80, []),
    ]
    predictor = EchoPredictor([(1, 0.9, BOX), (4, 0.3, (0.0, 0.0, 1.0, 1.0))])
    run, truth, found = _detect(tmp_path, predictor, records, batch_size=2)
    assert run.images == 3 and predictor.batches == [2, 1] and run.notes == ()
    assert [image["id"] for image in truth["images"]] == [1, 2, 3]
    assert [(image["width"], image["height"]) for image in truth["images"]] == [
        (200, 50),
        (100, 300),
        (80, 80),
    ]
    assert [image["source_id"] for image in truth["images"]] == ["wide", "tall", "none"]
    assert [image["record_index"] for image in truth["images"]] == [0, 1, 2]
    assert [annotation["id"] for annotation in truth["annotations"]] == [1, 2, 3]
    assert [annotation["category_id"] for annotation in truth["annotations"]] == [1, 4, 2]
    assert [annotation["iscrowd"] for annotation in truth["annotations"]] == [0, 1, 0]
    boxes = [annotation["bbox"] for annotation in truth["annotations"]]
    np.testing.assert_allclose(boxes, [[20, 12.5, 80, 25], [0, 0, 200, 50], [10, 75, 40, 150]], atol=1e-3)
    np.testing.assert_allclose([a["area"] for a in truth["annotations"]], [2000, 10000, 123], rtol=1e-4)
    assert truth["categories"] == [
        {"id": 1, "name": "vehicle"},
        {"id": 2, "name": "pedestrian"},
        {"id": 4, "name": "cyclist"},
    ]
    assert [entry["image_id"] for entry in found] == [1, 1, 2, 2, 3, 3]
    assert [entry["category_id"] for entry in found] == [1, 4] * 3
    np.testing.assert_allclose(found[0]["bbox"], [20, 12.5, 80, 25], atol=1e-3)
    np.testing.assert_allclose(found[2]["bbox"], [10, 75, 40, 150], atol=1e-3)
    assert [entry["score"] for entry in found[:2]] == pytest.approx([0.9, 0.3], abs=1e-7)
    # What was written passes our own checks.
    checked = check_groundtruth(truth)
    assert len(check_detections(found, checked).detections) == 6


def test_scores_survive_the_file_exactly(tmp_path: Path) -> None:
    scores = np.random.default_rng(1).random(10).astype(np.float32)
    predictor = EchoPredictor([(1, float(score), BOX) for score in scores])
    _, _, found = _detect(tmp_path, predictor, [_record("a", 50, 60, [(1, BOX)])])
    assert [np.float32(entry["score"]) for entry in found] == scores.tolist()


def test_repeated_and_empty_source_ids_stay_apart(tmp_path: Path) -> None:
    records = [_record(name, 40, 40, [(1, BOX)]) for name in ("same", "same", "", "")]
    _, truth, _ = _detect(tmp_path, EchoPredictor([]), records)
    assert [image["id"] for image in truth["images"]] == [1, 2, 3, 4]
    assert [annotation["image_id"] for annotation in truth["annotations"]] == [1, 2, 3, 4]


def test_more_boxes_than_the_reader_takes_are_kept(tmp_path: Path) -> None:
    _, truth, _ = _detect(tmp_path, EchoPredictor([]), [_record("many", 64, 64, [(1, BOX)] * 150)])
    assert len(truth["annotations"]) == 150


def test_unlisted_classes_are_left_out_and_noted(tmp_path: Path) -> None:
    predictor = EchoPredictor([(3, 0.9, BOX), (1, 0.8, BOX)])
    run, _, found = _detect(tmp_path, predictor, [_record("a", 50, 60, [(1, BOX)])])
    assert [entry["category_id"] for entry in found] == [1]
    assert any("1 detections of class ids" in note for note in run.notes)


def test_a_class_that_the_model_cannot_find_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "CONFIG", parse_pipeline_config("model { ssd { num_classes: 3 } }"))
    run, _, _ = _detect(tmp_path, EchoPredictor([]), [_record("a", 50, 60, [(1, BOX)])])
    assert any("never find class 4 cyclist" in note for note in run.notes)


def test_an_unlisted_groundtruth_class_is_refused_by_record(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"(?s)label map does not list.*3 in drive_7.*1, 2, 4"):
        _detect(tmp_path, EchoPredictor([]), [_record("drive_7", 50, 60, [(3, BOX)])])
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_model_that_gives_nan_is_refused(tmp_path: Path, value: float) -> None:
    records = [_record("first", 50, 60, [(1, BOX)])]
    for answer in ([(1, value, BOX)], [(1, 0.5, (0.1, value, 0.5, 0.6))]):
        with pytest.raises(DataError, match=r"(?s)not a finite number.*first"):
            _detect(tmp_path, EchoPredictor(answer), records)  # type: ignore[arg-type]
        assert list((tmp_path / "out").iterdir()) == []


def test_a_corrupt_record_is_named_and_leaves_no_files(tmp_path: Path) -> None:
    good = _record("good", 50, 60, [(1, BOX)])
    example = tf.train.Example.FromString(good)
    example.features.feature["image/encoded"].bytes_list.value[0] = b"no picture"
    example.features.feature["image/source_id"].bytes_list.value[0] = b"broken_one"
    with pytest.raises(DataError, match="broken_one"):
        _detect(
            tmp_path, EchoPredictor([(1, 0.5, BOX)]), [good, bytes(example.SerializeToString())], batch_size=1
        )
    assert list((tmp_path / "out").iterdir()) == []


def test_images_are_found_again_by_their_record(tmp_path: Path) -> None:
    records = [_record(str(number), 20 + number, 30, []) for number in range(6)]
    files = [_write(tmp_path / "a", records[:4]), _write(tmp_path / "b", records[4:])]
    wanted = [EvalImage(id=11, record_index=5), EvalImage(id=7, record_index=2), EvalImage(id=1)]
    loaded = RecordImages(files).load(wanted)
    assert {key: Image.open(io.BytesIO(value)).size for key, value in loaded.items()} == {
        11: (30, 25),
        7: (30, 22),
    }
    assert RecordImages(files).load([]) == {}


def test_the_array_file_is_complete_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with pytest.raises(RuntimeError), JsonArrayFile(path) as stream:
        stream.append_encoded(["1", "2"])
        assert not path.exists()
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    for parts, expected in (([], []), ([[]], []), ([["1"], [], ["2", "3"]], [1, 2, 3])):
        with JsonArrayFile(path) as stream:
            for part in parts:
                stream.append_encoded(part)
        assert json.loads(path.read_text()) == expected


def _manifest(tmp_path: Path, records: Sequence[bytes], entries: Sequence[tuple[int, str]]) -> Path:
    file = Path(_write(tmp_path / "eval.tfrecord", records))
    content = file.read_bytes()
    shards = (Shard(str(file), len(content), hashlib.sha256(content).hexdigest(), len(records)),)
    label_map = tmp_path / "label_map.pbtxt"
    label_map.write_text("".join(f"item {{ id: {i.id} name: '{i.name}' }}\n" for i in LABEL_MAP.items))
    facts = LabelMapFacts(str(label_map), tuple(LabelMapEntry(number, name) for number, name in entries))
    split = Split(split_digest(shards), len(records), len(records), {1: len(records)}, shards)
    path = tmp_path / "manifest.json"
    write_manifest(build_manifest(facts, {"eval": split}), path)
    return path


def test_evaluate_goes_from_manifest_to_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = [_record(f"frame {number}", 60, 60, [(1, BOX)]) for number in range(5)]
    manifest = _manifest(tmp_path, records, [(1, "vehicle"), (2, "pedestrian"), (4, "cyclist")])
    config = tmp_path / "pipeline.config"
    config.write_text("model { ssd { num_classes: 4 } }")
    monkeypatch.setattr(detect, "open_predictor", lambda model, path: EchoPredictor([(1, 0.9, BOX)]))
    result = evaluate(
        model=tmp_path, manifest=manifest, pipeline_config=config, output_dir=tmp_path / "out", batch_size=2
    )
    assert result.evaluation.metrics["AP"] == pytest.approx(1.0)
    assert result.evaluation.per_class["vehicle"]["boxes"] == 5
    assert result.evaluation.images == 5 and result.evaluation.images_per_second
    assert result.evaluation.eval_digest == json.loads(manifest.read_text())["splits"]["eval"]["digest"]
    assert result.report is not None and result.not_drawn == ()
    assert result.report.read_text().count("data:image/jpeg") == 4


def test_a_changed_label_map_is_refused(tmp_path: Path) -> None:
    from components.data_validation.manifest import load_manifest

    path = _manifest(
        tmp_path, [_record("a", 50, 60, [(1, BOX)])], [(1, "vehicle"), (2, "pedestrian"), (3, "cyclist")]
    )
    with pytest.raises(
        DataError, match=r"(?s)not the one that the data was validated against.*1, 2, 4.*1, 2, 3"
    ):
        manifest_label_map(load_manifest(path), path)


def test_a_model_without_config_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"pipeline\.config is needed"):
        find_pipeline_config(tmp_path, None)
    (tmp_path / "pipeline.config").write_text("")
    assert find_pipeline_config(tmp_path, None) == tmp_path / "pipeline.config"
