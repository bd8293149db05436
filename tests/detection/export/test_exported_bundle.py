from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from detection.checkpoints.restoring import restore_model
from detection.checkpoints.saving import save_model_checkpoint
from detection.config.reading import load_pipeline_config
from detection.detector import SsdDetector
from detection.errors import CheckpointError, ConfigError
from detection.export import BUNDLE_PARTS, INPUT_TYPES, export_bundle, export_saved_model
from detection.export.saved_model import ServingModule
from detection.export.signatures import input_type

OUTPUTS = {
    "detection_boxes": 3,
    "detection_scores": 2,
    "detection_classes": 2,
    "num_detections": 1,
    "detection_multiclass_scores": 3,
    "detection_anchor_indices": 2,
    "raw_detection_boxes": 3,
    "raw_detection_scores": 3,
}


@pytest.fixture(scope="module")
def detector(make_tiny_config) -> SsdDetector:
    return SsdDetector(make_tiny_config().model, is_training=False, seed=3)


@pytest.fixture(scope="module")
def bundle(make_tiny_config, detector, tmp_path_factory) -> Path:
    """An exported bundle of the detector, made once: tracing and saving take seconds."""
    folder = tmp_path_factory.mktemp("export")
    prefix = save_model_checkpoint(detector.network, folder / "trained")
    export_bundle(make_tiny_config(), prefix, folder / "bundle")
    return folder / "bundle"


@pytest.fixture(scope="module")
def loaded(bundle):
    return tf.saved_model.load(str(bundle / "saved_model"))


@pytest.fixture
def pictures() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (2, 40, 72, 3), np.uint8)


def expected(detector: SsdDetector, pictures: np.ndarray) -> dict[str, np.ndarray]:
    prepared = [detector.preprocess(tf.constant(picture, tf.float32)) for picture in pictures]
    found = detector.detect(tf.stack([one[0] for one in prepared]), tf.stack([one[1] for one in prepared]))
    return {name: tensor.numpy() for name, tensor in found.items()}


def as_example(encoded: bytes) -> bytes:
    feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[encoded]))
    return tf.train.Example(
        features=tf.train.Features(feature={"image/encoded": feature})
    ).SerializeToString()


def as_input(kind: str, pictures: np.ndarray) -> tf.Tensor:
    encoded = [tf.io.encode_png(picture).numpy() for picture in pictures]
    return {
        "image_tensor": lambda: tf.constant(pictures[:1]),
        "float_image_tensor": lambda: tf.constant(pictures, tf.float32),
        "encoded_image_string_tensor": lambda: tf.constant(encoded),
        "tf_example": lambda: tf.constant([as_example(one) for one in encoded]),
    }[kind]()


SPECS = {
    "image_tensor": ([1, None, None, 3], tf.uint8),
    "float_image_tensor": ([None, None, None, 3], tf.float32),
    "encoded_image_string_tensor": ([None], tf.string),
    "tf_example": ([None], tf.string),
}


def check_outputs(detector: SsdDetector, pictures: np.ndarray, found: dict) -> None:
    wanted = expected(detector, pictures)
    wanted["detection_classes"] += 1.0
    assert {name: len(tensor.shape) for name, tensor in found.items()} == OUTPUTS
    assert {tensor.dtype for tensor in found.values()} == {tf.float32}
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, atol=1e-4, err_msg=name)


@pytest.mark.parametrize("kind", INPUT_TYPES)
def test_input_types(detector, pictures, kind):
    module = ServingModule(detector, input_type(kind))
    (argument,) = module.__call__.get_concrete_function().structured_input_signature[0]
    shape, dtype = SPECS[kind]
    assert (argument.name, argument.shape.as_list(), argument.dtype) == ("input_tensor", shape, dtype)
    seen = pictures[:1] if kind == "image_tensor" else pictures
    check_outputs(detector, seen, module.__call__(as_input(kind, pictures)))
    if kind == "encoded_image_string_tensor":
        # Encoded images may differ in size, and be grey.
        grey = tf.io.encode_jpeg(pictures[0, :20, :30, :1], quality=95).numpy()
        found = module.__call__(tf.constant([grey, tf.io.encode_png(pictures[1]).numpy()]))
        alone = expected(detector, pictures[1:])["detection_scores"]
        np.testing.assert_allclose(found["detection_scores"][1:], alone, atol=1e-4)


def test_the_saved_model_has_the_signature_and_can_be_called(detector, loaded, pictures):
    assert list(loaded.signatures) == ["serving_default"]
    serve = loaded.signatures["serving_default"]
    (argument,) = serve.structured_input_signature[1].items()
    assert (argument[0], argument[1].shape.as_list()) == ("input_tensor", [1, None, None, 3])
    anchors = 6 * (64 + 16 + 4 + 1 + 1)
    assert serve.structured_outputs["raw_detection_boxes"].shape.as_list() == [1, anchors, 4]
    check_outputs(detector, pictures[:1], serve(input_tensor=tf.constant(pictures[:1])))
    check_outputs(detector, pictures[:1], loaded(tf.constant(pictures[:1])))


def test_bundle_has_the_od_apis_layout(bundle, tiny_config, detector):
    assert sorted(path.name for path in bundle.iterdir()) == sorted(BUNDLE_PARTS)
    assert {path.name for path in (bundle / "saved_model").iterdir()} >= {"saved_model.pb", "variables"}
    assert {path.name for path in (bundle / "checkpoint").iterdir()} >= {"checkpoint", "ckpt-0.index"}
    assert load_pipeline_config(bundle / "pipeline.config") == tiny_config
    again = SsdDetector(tiny_config.model, is_training=False, seed=4)
    restore_model(again.network, str(bundle / "checkpoint" / "ckpt-0"))
    for ours, theirs in zip(again.network.variables, detector.network.variables, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_padding_rows_read_class_1(tiny_config, pictures):
    tiny_config.model.ssd.post_processing.batch_non_max_suppression.score_threshold = 0.999
    module = ServingModule(
        SsdDetector(tiny_config.model, is_training=False, seed=3), input_type("image_tensor")
    )
    found = module.__call__(tf.constant(pictures[:1]))
    assert found["num_detections"].numpy().tolist() == [0.0]
    assert (found["detection_classes"].numpy() == 1.0).all() and not found["detection_boxes"].numpy().any()


@pytest.mark.slow
@pytest.mark.parametrize("kind", INPUT_TYPES)
def test_every_input_type_saved(tmp_path, detector, pictures, kind):
    export_saved_model(detector, tmp_path, kind)
    seen = pictures[:1] if kind == "image_tensor" else pictures
    check_outputs(detector, seen, tf.saved_model.load(str(tmp_path))(as_input(kind, pictures)))


def test_refusals(tmp_path, tiny_config, detector):
    with pytest.raises(ConfigError, match="image_and_boxes_tensor"):
        export_saved_model(detector, tmp_path / "x", "image_and_boxes_tensor")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("")
    with pytest.raises(ConfigError, match="not empty"):
        export_bundle(tiny_config, "ckpt-0", tmp_path / "full")
    with pytest.raises(CheckpointError, match="ckpt-0"):
        export_bundle(tiny_config, str(tmp_path / "ckpt-0"), tmp_path / "new")
    assert not (tmp_path / "new").exists()
