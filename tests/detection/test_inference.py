"""A checkpoint and its export give the recorded detections, in the same form; what is no model is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from detection.checkpoints.archive import resolve_checkpoint
from detection.config.reading import load_pipeline_config
from detection.errors import CheckpointError
from detection.export.bundle import export_bundle
from detection.inference import (
    CheckpointPredictor,
    DetectedBatch,
    SavedModelPredictor,
    detect_image,
    find_saved_model,
    open_predictor,
)


@pytest.fixture(scope="module")
def golden(shared_dir: Path) -> Path:
    return shared_dir / "golden" / "mobilenet_small"


@pytest.fixture(scope="module")
def recorded(golden: Path) -> dict[str, Any]:
    names = ["images_uint8", "post_detection_boxes", "post_detection_scores", "post_detection_classes"]
    with np.load(golden / "golden.npz") as arrays:
        return {name: arrays[name] for name in [*names, "post_num_detections"]}


@pytest.fixture(scope="module")
def predictor(golden: Path) -> CheckpointPredictor:
    return CheckpointPredictor(golden / "pipeline.config", golden / "ckpt")


@pytest.fixture(scope="module")
def bundle(golden: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "bundle"
    prefix = resolve_checkpoint(str(golden / "ckpt"), folder.parent)
    export_bundle(load_pipeline_config(golden / "pipeline.config"), prefix, folder)
    return folder


def _predict_all(predictor: CheckpointPredictor, images: Any) -> DetectedBatch:
    prepared = [predictor.preprocess(tf.cast(image, tf.float32)) for image in images]
    return predictor.predict(
        tf.stack([one for one, _ in prepared]), tf.stack([shape for _, shape in prepared])
    )


def test_a_checkpoint_gives_the_recorded_detections(
    predictor: CheckpointPredictor, recorded: dict[str, Any]
) -> None:
    assert predictor.image_shape == (320, 320)
    found = _predict_all(predictor, recorded["images_uint8"])
    np.testing.assert_array_equal(found.counts, recorded["post_num_detections"].astype(np.int64))
    np.testing.assert_allclose(found.scores, recorded["post_detection_scores"], atol=1e-4)
    # Rows of nearly equal scores may change places, so each recorded row is looked for.
    for image, count in enumerate(found.counts.tolist()):
        for row in range(min(count, 20)):
            category = int(recorded["post_detection_classes"][image, row]) + 1
            same = found.category_ids[image, :count] == category
            difference = np.abs(
                found.boxes_yxyx_normalized[image, :count] - recorded["post_detection_boxes"][image, row]
            ).max(axis=1)
            assert np.any(same & (difference < 1e-3)), (image, row)


def test_all_answers_have_the_promised_form(predictor: CheckpointPredictor, recorded: dict[str, Any]) -> None:
    found = _predict_all(predictor, recorded["images_uint8"])
    assert found.boxes_yxyx_normalized.shape == (2, 100, 4) and found.scores.shape == (2, 100)
    assert found.category_ids.dtype == np.int64 and found.counts.dtype == np.int64
    assert set(np.unique(found.category_ids)) <= {1, 2, 3}
    assert (np.diff(found.scores, axis=1) <= 0).all()
    assert found.boxes_yxyx_normalized.min() >= 0 and found.boxes_yxyx_normalized.max() <= 1


def test_a_smaller_last_batch_does_not_trace_again(
    predictor: CheckpointPredictor, recorded: dict[str, Any]
) -> None:
    both = _predict_all(predictor, recorded["images_uint8"])
    traced = predictor._detect.experimental_get_tracing_count()
    alone = _predict_all(predictor, recorded["images_uint8"][1:])
    assert predictor._detect.experimental_get_tracing_count() == traced == 1
    np.testing.assert_allclose(alone.scores[0], both.scores[1], atol=1e-5)


def test_the_export_gives_what_the_checkpoint_gives(
    predictor: CheckpointPredictor, bundle: Path, recorded: dict[str, Any]
) -> None:
    exported = open_predictor(bundle, None)
    assert isinstance(exported, SavedModelPredictor) and exported.image_shape is None
    for image in recorded["images_uint8"]:
        ours, theirs = detect_image(predictor, image), detect_image(exported, image)
        assert ours.counts.tolist() == theirs.counts.tolist()
        assert ours.category_ids.dtype == theirs.category_ids.dtype
        np.testing.assert_allclose(ours.scores, theirs.scores, atol=1e-5)
        count = int(ours.counts[0])
        np.testing.assert_array_equal(ours.category_ids[0, :count], theirs.category_ids[0, :count])
        np.testing.assert_allclose(ours.boxes_yxyx_normalized, theirs.boxes_yxyx_normalized, atol=1e-4)


def test_the_right_predictor_is_opened(golden: Path, bundle: Path, tmp_path: Path) -> None:
    assert isinstance(open_predictor(golden / "ckpt", golden / "pipeline.config"), CheckpointPredictor)
    assert find_saved_model(bundle) == bundle / "saved_model"
    assert find_saved_model(bundle / "saved_model") == bundle / "saved_model"
    assert find_saved_model(golden / "ckpt") is None
    with pytest.raises(CheckpointError, match="needs the config of its model"):
        open_predictor(golden / "ckpt", None)
    with pytest.raises(CheckpointError):
        open_predictor(tmp_path / "nothing", golden / "pipeline.config")


def _save(folder: Path, dtype: Any, outputs: list[str], name: str = "serving_default") -> Path:
    module = tf.Module()

    @tf.function(input_signature=[tf.TensorSpec([1, None, None, 3], dtype, name="input_tensor")])
    def run(input_tensor: Any) -> Any:
        return {output: tf.zeros([1]) for output in outputs}

    tf.saved_model.save(module, str(folder), signatures={name: run})
    return folder


DETECTION_OUTPUTS = ["detection_boxes", "detection_scores", "detection_classes", "num_detections"]


@pytest.mark.parametrize(
    ("dtype", "outputs", "name", "told"),
    [
        (tf.string, DETECTION_OUTPUTS, "serving_default", "does not take images"),
        (tf.uint8, DETECTION_OUTPUTS[:3], "serving_default", "num_detections"),
        (tf.uint8, DETECTION_OUTPUTS, "other", "lacks a signature"),
    ],
)
def test_other_saved_models_are_refused(
    tmp_path: Path, dtype: Any, outputs: list[str], name: str, told: str
) -> None:
    with pytest.raises(CheckpointError, match=told):
        SavedModelPredictor(_save(tmp_path / "model", dtype, outputs, name))


def test_no_and_broken_saved_models_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="there is no SavedModel"):
        SavedModelPredictor(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"nonsense")
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        SavedModelPredictor(tmp_path)
