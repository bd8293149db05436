"""Parity with tensors that the OD API itself recorded (OD_API_SPEC section 15)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from detection.checkpoints.object_graph import CheckpointFile
from detection.checkpoints.restoring import restore_model
from detection.config.reading import load_pipeline_config
from detection.network.network import NetworkOutput, SsdNetwork

FOLDERS = ("mobilenet", "mobilenet_small", "resnet50_small")
EVALUATION_TOLERANCE = 1e-3
TRAINING_MEAN_TOLERANCE, TRAINING_LARGEST_TOLERANCE = 0.02, 0.1


@dataclass
class Case:
    network: SsdNetwork
    tensors: Any
    names: dict[str, str]
    folder: Path

    def by_key(self) -> dict[str, tf.Variable]:
        by_name = {variable.name.split(":")[0]: variable for variable in self.network.variables}
        return {key: by_name[name] for key, name in self.names.items() if name in by_name}


@pytest.fixture(scope="module", params=FOLDERS)
def case(request: pytest.FixtureRequest, shared_dir: Path) -> Iterator[Case]:
    folder = shared_dir / "golden" / request.param
    network = SsdNetwork(load_pipeline_config(folder / "pipeline.config").model.ssd, is_training=True, seed=0)
    with np.load(folder / "golden.npz") as tensors:
        names = json.loads((folder / "key_to_variable_name.json").read_text())
        yield Case(network, dict(tensors), names, folder)


@pytest.fixture
def restored(case: Case) -> Case:
    restore_model(case.network, str(case.folder / "ckpt" / "ckpt-0"))
    return case


def run(case: Case, training: bool) -> NetworkOutput:
    return tf.function(case.network)(case.tensors["preprocessed"], training)


def test_evaluation_outputs(restored: Case) -> None:
    output = run(restored, training=False)
    for level, features in enumerate(output.feature_maps, start=3):
        expected = restored.tensors[f"feature_map_P{level}"]
        np.testing.assert_allclose(features, expected, atol=EVALUATION_TOLERANCE, rtol=0, err_msg=f"P{level}")
    for name in ("box_encodings", "class_predictions_with_background"):
        actual, expected = getattr(output, name), restored.tensors[name]
        np.testing.assert_allclose(actual, expected, atol=EVALUATION_TOLERANCE, rtol=0, err_msg=name)


def test_backbone_taps(restored: Case) -> None:
    if "backbone_C2" not in restored.tensors:
        pytest.skip("recorded for the small models only")
    backbone = restored.network._feature_extractor.classification_backbone
    taps = tf.function(backbone)(restored.tensors["preprocessed"], False)
    for level, tap in taps.items():
        expected = restored.tensors[f"backbone_C{level}"]
        np.testing.assert_allclose(tap, expected, atol=EVALUATION_TOLERANCE, rtol=0, err_msg=f"C{level}")


def test_regularization(restored: Case) -> None:
    total = float(tf.add_n(restored.network.regularization_losses()))
    assert total == pytest.approx(float(restored.tensors["regularization_loss"]), rel=1e-5)


def test_training_outputs_and_moving_statistics(restored: Case) -> None:
    output = run(restored, training=True)
    for name in ("box_encodings", "class_predictions_with_background"):
        difference = np.abs(getattr(output, name) - restored.tensors[f"train_{name}"])
        assert difference.mean() < TRAINING_MEAN_TOLERANCE, name
        assert difference.max() < TRAINING_LARGEST_TOLERANCE, name
    variables = restored.by_key()
    prefix = "after_train_forward:"
    recorded = {key.removeprefix(prefix) for key in restored.tensors if key.startswith(prefix)}
    assert len(recorded) >= 18
    for key in recorded:
        expected = restored.tensors[prefix + key]
        # The largest variances lie near 100; the Bessel correction alone is a few per cent on small maps.
        np.testing.assert_allclose(variables[key], expected, rtol=2e-3, atol=1e-4, err_msg=key)


def test_order_of_trainable_variables(case: Case) -> None:
    recorded = [key.removeprefix("gradnorm:") for key in case.tensors if key.startswith("gradnorm:")]
    expected = [case.names[key] for key in recorded]
    assert [variable.name.split(":")[0] for variable in case.network.trainable_variables] == expected


@pytest.mark.parametrize("name", ["mobilenet", "resnet50"])
def test_checkpoint_keys_shapes_and_names(shared_dir: Path, tmp_path: Path, name: str) -> None:
    """Every key, shape and recorded variable name of the two full-size models."""
    lines = (shared_dir / "golden" / f"ckpt_keys_{name}.txt").read_text().split("ZOO-STYLE")[1].splitlines()
    rows = [line.split("\t") for line in lines if line.count("\t") == 3 and line.startswith("model/")]
    expected = {key: (json.loads(shape), variable) for key, shape, _, variable in rows}
    config = shared_dir / "golden" / ("mobilenet" if name == "mobilenet" else "resnet50_small")
    ssd = load_pipeline_config(config / "pipeline.config").model.ssd
    if name == "resnet50":
        ssd.feature_extractor.depth_multiplier = 1.0
        ssd.box_predictor.weight_shared_convolutional_box_predictor.depth = 256
    network = SsdNetwork(ssd, is_training=True, seed=0)
    prefix = tf.train.Checkpoint(model=network).write(str(tmp_path / "ckpt"))
    stored = CheckpointFile(prefix).variables()
    actual = {
        found.key: (list(found.shape), found.name) for found in stored if found.key.startswith("model/")
    }
    assert actual == expected
    totals = [
        sum(int(np.prod(v.shape)) for v in part) for part in (network.variables, network.trainable_variables)
    ]
    counts = [len(network.variables), len(network.trainable_variables), len(network.regularization_losses())]
    if name == "mobilenet":
        assert (totals, counts) == ([2_599_664, 2_559_408], [384, 232, 63])
    else:
        assert (totals, counts) == ([31_713_008, 31_637_360], [463, 269, 70])
