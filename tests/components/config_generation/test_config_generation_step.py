"""The step's files, its errors, its command and its kfp face."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from components.config_generation.__main__ import main
from components.config_generation.base_config import base_names, load_base
from components.config_generation.parameters import TrainingParameters
from components.config_generation.step import generate_pipeline_config
from components.data_validation.manifest import (
    LabelMapEntry,
    LabelMapFacts,
    Shard,
    Split,
    build_manifest,
    load_manifest,
    split_digest,
    write_manifest,
)
from detection.config.reading import load_pipeline_config
from detection.config.supported import check_supported
from detection.errors import ConfigError, DataError
from storage import StorageError

DEMO = "demo_mobilenet_v2_fpnlite_320x320"


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    def split(name: str) -> Split:
        shards = (Shard(f"/data/{name}.tfrecord", 10, name, 40),)
        return Split(split_digest(shards), 40, 40, {1: 5, 2: 5, 4: 5}, shards)

    entries = (LabelMapEntry(1, "vehicle"), LabelMapEntry(2, "pedestrian"), LabelMapEntry(4, "cyclist"))
    made = build_manifest(
        LabelMapFacts("/data/map.pbtxt", entries), {"train": split("train"), "eval": split("eval")}
    )
    write_manifest(made, tmp_path / "manifest.json")
    return tmp_path / "manifest.json"


def run(manifest: Path, **given: Any) -> dict[str, Any]:
    arguments = {
        "base_config": DEMO,
        "parameters": '{"num_steps": 600}',
        "pipeline_config": manifest.parent / "pipeline.config",
        "changes": manifest.parent / "changes.md",
    }
    return generate_pipeline_config(manifest=manifest, **{**arguments, **given})


def test_writes_the_config_and_the_changes(manifest: Path) -> None:
    facts = run(manifest, data_digest=load_manifest(manifest).digest)
    config = load_pipeline_config(manifest.parent / "pipeline.config")
    assert check_supported(config) == []
    assert facts["num_classes"] == config.model.ssd.num_classes == 4
    assert facts["num_steps"] == 600
    assert facts["learning_rate_base"] == 0.04
    assert facts["passes_over_data"] == 120.0
    assert "base warm-up 40 x steps 600 / base steps 400" in (manifest.parent / "changes.md").read_text()
    json.dumps(facts)


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"data_digest": "sha256:other"}, DataError, "other data"),
        ({"base_config": "nothing"}, ConfigError, "no base config"),
        ({"base_config": "demo_mobilenet_v2_fpnlite_32x320"}, ConfigError, f"perhaps {DEMO}"),
        ({"base_config": ""}, ConfigError, "No base config"),
        ({"base_config": "/none/pipeline.config"}, StorageError, "/none/pipeline.config"),
        ({"base_config": "model { ssd { num_clases: 3 } }"}, ConfigError, "num_classes"),
        ({"base_config": "model { faster_rcnn { num_classes: 3 } }"}, ConfigError, "optimizer"),
        ({"parameters": '{"num_classes": 3}'}, ConfigError, "cyclist"),
        ({"parameters": "{"}, ConfigError, "JSON"),
        (
            {"fine_tune_checkpoint": "./c", "fine_tune_checkpoint_type": "x"},
            ConfigError,
            "fine_tune_checkpoint_type",
        ),
        ({"fine_tune_checkpoint": "c"}, ConfigError, "no checkpoint of this name"),
    ],
)
def test_a_failure_leaves_its_report_and_no_config(
    manifest: Path, given: Any, error: type, said: str
) -> None:
    with pytest.raises(error) as caught:
        run(manifest, **given)
    assert said in str(caught.value)
    assert said in (manifest.parent / "changes.md").read_text()
    assert not (manifest.parent / "pipeline.config").exists()


def test_a_base_can_be_a_name_a_path_a_uri_or_text(project_root: Path) -> None:
    path = project_root / "configs/models" / f"{DEMO}.config"
    by_name, _ = load_base(DEMO)
    for base in (str(path), f"file://{path}", path.read_text()):
        assert load_base(base)[0] == by_name


@pytest.mark.parametrize("name", base_names())
def test_each_base_says_what_it_is(project_root: Path, name: str) -> None:
    text = (project_root / "configs/models" / f"{name}.config").read_text()
    header = text.split("model {")[0]
    for said in ("# Purpose:", "# Values:", "# Checkpoint", "# Use:", name):
        assert said in header


# The zoo's values, as its own configs have them: batch, steps, rate, warm-up rate and steps, side, tower, L2.
ZOO = {
    "ssd_mobilenet_v2_fpnlite_320x320": (128, 50000, 0.08, 0.026666, 1000, 320, 128, 4e-5, True),
    "ssd_mobilenet_v2_fpnlite_640x640": (128, 50000, 0.08, 0.026666, 1000, 640, 128, 4e-5, True),
    "ssd_resnet50_v1_fpn_640x640": (64, 25000, 0.04, 0.013333, 2000, 640, 256, 4e-4, False),
}


@pytest.mark.parametrize("name", ZOO)
def test_the_zoo_bases_hold_the_zoo_values(name: str) -> None:
    config, _ = load_base(name)
    cosine = config.train_config.optimizer.momentum_optimizer.learning_rate.cosine_decay_learning_rate
    predictor = config.model.ssd.box_predictor.weight_shared_convolutional_box_predictor
    found = (
        config.train_config.batch_size,
        config.train_config.num_steps,
        cosine.learning_rate_base,
        cosine.warmup_learning_rate,
        cosine.warmup_steps,
        config.model.ssd.image_resizer.fixed_shape_resizer.height,
        predictor.depth,
        predictor.conv_hyperparams.regularizer.l2_regularizer.weight,
        predictor.share_prediction_tower,
    )
    assert found == pytest.approx(ZOO[name])
    assert config.model.ssd.num_classes == 90
    assert cosine.total_steps == config.train_config.num_steps


def test_the_mobilenet_base_is_the_golden_model(shared_dir: Path) -> None:
    golden = load_pipeline_config(shared_dir / "golden/mobilenet/pipeline.config").model.ssd
    base = load_base("ssd_mobilenet_v2_fpnlite_320x320")[0].model.ssd
    base.num_classes = golden.num_classes
    # Spelled-out defaults and what has no effect differ; what the network is built from does not.
    for part in ("image_resizer", "box_predictor", "anchor_generator", "post_processing", "loss"):
        assert getattr(base, part) == getattr(golden, part), part
    assert base.feature_extractor == golden.feature_extractor


def test_command(manifest: Path) -> None:
    output = manifest.parent / "made"
    arguments = ["--base", DEMO, "--manifest", str(manifest), "--output", str(output)]
    done = CliRunner().invoke(main, [*arguments, "--parameters", '{"num_steps": 600}', "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["num_steps"] == 600
    assert (output / "pipeline.config").exists()
    failed = CliRunner().invoke(main, [*arguments, "--parameters", '{"num_classes": 3}'])
    assert failed.exit_code == 2
    assert "cyclist" in failed.output
    assert "Traceback" not in failed.output
    from_file = manifest.parent / "parameters.json"
    from_file.write_text('{"num_steps": 5}')
    assert CliRunner().invoke(main, [*arguments, "--parameters", str(from_file)]).exit_code == 0


def test_help_teaches() -> None:
    done = CliRunner().invoke(main, ["--help"])
    assert done.exit_code == 0
    for name in (*base_names(), *TrainingParameters().as_dict()):
        if name != "decay_rate":
            assert name in done.output


def test_the_kfp_face_has_the_contracts_inputs_and_outputs(manifest: Path) -> None:
    component = pytest.importorskip("components.config_generation.component").config_generation
    inputs, outputs = component.component_spec.inputs, component.component_spec.outputs
    assert set(inputs) == {
        "base_config",
        "manifest",
        "data_digest",
        "parameters",
        "fine_tune_checkpoint",
        "fine_tune_checkpoint_type",
        "run_uri",
    }
    assert set(outputs) == {"pipeline_config", "changes"}
    assert outputs["changes"].type == "system.Markdown@0.0.1"


class _Artifact:
    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self.uri = str(path)


def test_the_kfp_face_runs(manifest: Path) -> None:
    component = pytest.importorskip("components.config_generation.component").config_generation
    folder = manifest.parent
    run_uri = str(folder / "run")
    given = {
        "base_config": DEMO,
        "manifest": _Artifact(manifest),
        "data_digest": load_manifest(manifest).digest,
        "parameters": '{"num_steps": 600}',
        "fine_tune_checkpoint": "",
        "fine_tune_checkpoint_type": "detection",
        "run_uri": run_uri,
        "pipeline_config": _Artifact(folder / "pipeline.config"),
        "changes": _Artifact(folder / "changes.md"),
    }
    assert set(inspect.signature(component.python_func).parameters) == set(given)
    component.python_func(**given)
    facts = json.loads((folder / "run/steps/config_generation.json").read_text())
    assert facts["state"] == "succeeded"
    assert facts["artifacts"]["report"] == f"{run_uri}/reports/config_changes.md"
    with pytest.raises(SystemExit) as stopped:
        component.python_func(**{**given, "parameters": '{"num_classes": 3}'})
    assert stopped.value.code == 2
    failed = json.loads((folder / "run/steps/config_generation.json").read_text())
    assert failed["state"] == "failed"
    assert "cyclist" in failed["error"]["message"]
