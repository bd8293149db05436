"""The step from checkpoint to proved bundle, on a tiny model and three drawn images."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.coco_eval.metrics import read_evaluation
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
from components.export_model import step
from components.export_model.__main__ import main
from components.export_model.step import export_model
from detection.checkpoints.saving import save_model_checkpoint
from detection.config.reading import format_pipeline_config, load_pipeline_config
from detection.detector import SsdDetector
from detection.errors import CheckpointError


def exit_code(arguments: list[str]) -> int:
    """What the command ends with, by its return or by leaving."""
    try:
        return main(arguments)
    except SystemExit as end:
        return int(end.code or 0)


LABEL_MAP = "item { id: 1 name: 'vehicle' }\nitem { id: 2 name: 'pedestrian' }\n"


def record(number: int) -> bytes:
    pixels = np.random.default_rng(number).integers(0, 256, (48, 80, 3), np.uint8)
    example = tf.train.Example()
    feature = example.features.feature
    feature["image/encoded"].bytes_list.value.append(tf.io.encode_png(pixels).numpy())
    feature["image/source_id"].bytes_list.value.append(f"{number}".encode())
    for side, place in (("ymin", 0.1), ("xmin", 0.2), ("ymax", 0.9), ("xmax", 0.7)):
        feature[f"image/object/bbox/{side}"].float_list.value.append(place)
    feature["image/object/class/label"].int64_list.value.append(1 + number % 2)
    return bytes(example.SerializeToString())


def write_data(folder: Path) -> Path:
    """Three records, their label map and manifest; gives the manifest's path."""
    path = folder / "eval.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for number in range(3):
            writer.write(record(number))
    content = path.read_bytes()
    shards = (Shard(str(path), len(content), hashlib.sha256(content).hexdigest(), 3),)
    split = Split(split_digest(shards), 3, 3, {1: 2, 2: 1}, shards)
    (folder / "labels.pbtxt").write_text(LABEL_MAP)
    entries = (LabelMapEntry(1, "vehicle"), LabelMapEntry(2, "pedestrian"))
    manifest = build_manifest(
        LabelMapFacts(str(folder / "labels.pbtxt"), entries), {"train": split, "eval": split}
    )
    write_manifest(manifest, folder / "manifest.json")
    return folder / "manifest.json"


@pytest.fixture(scope="module")
def trained(project_root, tmp_path_factory) -> dict[str, Path]:
    """A model of random weights, its config, data and evaluation: what the step takes."""
    folder = tmp_path_factory.mktemp("trained")
    config = load_pipeline_config(project_root / "configs/models/ssd_mobilenet_v2_fpnlite_320x320.config")
    ssd = config.model.ssd
    ssd.num_classes = 2
    ssd.image_resizer.fixed_shape_resizer.height = ssd.image_resizer.fixed_shape_resizer.width = 64
    ssd.feature_extractor.depth_multiplier = 0.25
    ssd.box_predictor.weight_shared_convolutional_box_predictor.depth = 8
    (folder / "pipeline.config").write_text(format_pipeline_config(config))
    detector = SsdDetector(config.model, is_training=False, seed=5)
    save_model_checkpoint(detector.network, folder / "checkpoint")
    manifest = write_data(folder)
    evaluate(
        model=folder / "checkpoint",
        manifest=manifest,
        output_dir=folder / "evaluation",
        pipeline_config=folder / "pipeline.config",
        draw=False,
    )
    return {
        "pipeline_config": folder / "pipeline.config",
        "checkpoint": folder / "checkpoint",
        "evaluation": folder / "evaluation",
        "manifest": manifest,
    }


@pytest.fixture(scope="module")
def exported(trained, tmp_path_factory):
    return export_model(**trained, output_dir=tmp_path_factory.mktemp("step") / "bundle")


def test_the_export_scores_as_its_checkpoint(exported, trained):
    metrics = json.loads((trained["evaluation"] / "metrics.json").read_text())["metrics"]
    assert exported.agreement.agrees and exported.agreement.images == 3
    assert exported.agreement.checkpoint == metrics
    # Scores of random weights are tiny, but not zero for every metric: recall counts any hit.
    assert exported.agreement.exported == pytest.approx(metrics, abs=0.005)
    assert exported.latency.calls >= 10 and 0 < exported.latency.median_ms < exported.latency.first_ms
    assert exported.size_bytes == sum(
        path.stat().st_size for path in (exported.bundle / "saved_model").rglob("*") if path.is_file()
    )
    written = json.loads((exported.bundle / "export.json").read_text())
    assert written == json.loads(json.dumps(exported.as_json()))
    names = {path.name for path in exported.bundle.iterdir()}
    assert names == {"saved_model", "checkpoint", "pipeline.config", "export.json"}


def test_an_export_that_scores_otherwise_is_refused_and_says_so(exported, trained, tmp_path, monkeypatch):
    """The evaluation is of another model; the export and its scores are the ones made above."""
    claimed = json.loads((trained["evaluation"] / "metrics.json").read_text())
    claimed["metrics"]["AP50"] = 0.9
    (tmp_path / "evaluation").mkdir()
    (tmp_path / "evaluation" / "metrics.json").write_text(json.dumps(claimed))
    (tmp_path / "bundle" / "saved_model").mkdir(parents=True)
    scores = read_evaluation(trained["evaluation"])
    monkeypatch.setattr(step, "_export", lambda *arguments: None)
    monkeypatch.setattr(step, "_rescore", lambda *arguments: (scores, exported.latency))
    with pytest.raises(CheckpointError, match="does not score as its checkpoint") as error:
        export_model(**{**trained, "evaluation": tmp_path / "evaluation"}, output_dir=tmp_path / "bundle")
    assert error.value.details["field"] == "AP50" and "0.900000" in error.value.details["expected"]
    assert not json.loads((tmp_path / "bundle" / "export.json").read_text())["agreement"]["agrees"]


def test_an_export_that_does_not_load_is_refused(exported, trained, tmp_path, monkeypatch):
    def broken(config, checkpoint, output_dir, input_type):
        (output_dir / "saved_model").mkdir(parents=True)
        (output_dir / "saved_model" / "saved_model.pb").write_bytes(b"not a model")
        (output_dir / "pipeline.config").write_bytes(trained["pipeline_config"].read_bytes())

    monkeypatch.setattr(step, "_export", broken)
    with pytest.raises(CheckpointError, match="fresh process") as error:
        export_model(**trained, output_dir=tmp_path / "bundle")
    assert "cannot be loaded" in error.value.details["found"]


def test_the_command_refuses_what_is_missing(trained, tmp_path, capsys):
    arguments = [
        f"--{name.replace('_', '-')}={path}" for name, path in trained.items() if name != "checkpoint"
    ]
    code = exit_code([*arguments, f"--checkpoint={tmp_path / 'nothing'}", f"--output={tmp_path / 'bundle'}"])
    assert code == 2 and "nothing" in capsys.readouterr().err
    assert not (tmp_path / "bundle").exists()
