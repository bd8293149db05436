from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner

from components.data_validation.manifest import QuarantinedRecord
from components.fine_tune.__main__ import main
from components.fine_tune.step import fine_tune, local_work_dir
from detection.checkpoints.restoring import restore_model
from detection.config.reading import load_pipeline_config
from detection.detector import SsdDetector
from detection.errors import ConfigError, DataError, UserError
from detection.training.history import read_history


def run(project, *, steps=3, extra="", name="run", **options):
    return fine_tune(
        pipeline_config=project.config(steps, extra),
        manifest=project.manifest,
        work_dir=str(project.folder / name),
        output_dir=project.folder / f"{name}-out",
        **options,
    )


def warm_start(source):
    return (
        f'fine_tune_checkpoint: "{source}" fine_tune_checkpoint_type: "detection" '
        "fine_tune_checkpoint_version: V2"
    )


def test_it_trains_and_leaves_a_zoo_checkpoint_facts_and_curves(project):
    facts = run(project, steps=4, seed=3)
    out = project.folder / "run-out"
    assert (facts["steps"], facts["batch_size"], facts["resumed_from"], facts["seed"]) == (4, 2, None, 3)
    assert facts["data_digest"] == json.loads(project.manifest.read_text())["digest"]
    assert set(facts["losses"]) == {
        "localization_loss",
        "classification_loss",
        "regularization_loss",
        "total_loss",
    }
    assert facts["images_per_second"] > 0 and facts["restored"] is None
    config = load_pipeline_config(out / "pipeline.config")
    fresh = SsdDetector(config.model, is_training=False, seed=99).network
    restore_model(fresh, str(out / "checkpoint" / "ckpt-0"))
    trained = tf.train.load_checkpoint(str(project.folder / "run" / "checkpoints" / "ckpt-4"))
    heads = "model/_box_predictor/_box_prediction_head/_box_encoder_layers/0/bias/.ATTRIBUTES/VARIABLE_VALUE"
    written = tf.train.load_checkpoint(str(out / "checkpoint")).get_tensor(heads)
    np.testing.assert_array_equal(written, trained.get_tensor(heads))
    page = (out / "curves.html").read_text()
    assert "Total loss" in page and "http" not in page
    json.dumps(facts)


@pytest.mark.slow
def test_warm_start_reports_what_was_restored_and_is_left_out_on_resume(project, capsys):
    run(project, steps=2, name="base")
    source = project.folder / "base-out"
    extra = warm_start(source)
    facts = run(project, steps=2, extra=extra, name="tuned", seed=7)
    variables = len(tf.train.list_variables(str(source / "checkpoint" / "ckpt-0"))) - 2
    assert facts["restored"] > 0 and facts["restored"] + facts["initialised"] == variables
    assert f"restored: {facts['restored']}" in capsys.readouterr().out
    again = run(project, steps=2, extra=extra, name="tuned", seed=7)
    assert again["resumed_from"] == 2 and again["restored"] is None
    assert again["losses"] == facts["losses"]


@pytest.mark.slow
def test_same_seed_same_losses(project):
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        run(project, steps=3, name=name, seed=seed)
    losses = {
        name: [entry["Loss/total_loss"] for entry in read_history(project.folder / name / "history.jsonl")]
        for name in "abc"
    }
    np.testing.assert_allclose(losses["a"], losses["b"], rtol=1e-6)
    assert abs(losses["a"][0] - losses["c"][0]) > 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_process_continues_to_the_same_step_count(project, project_root, number):
    arguments = [
        *(sys.executable, "-m", "components.fine_tune"),
        *("--pipeline-config", str(project.config(30)), "--manifest", str(project.manifest)),
        *("--work-dir", str(project.folder / "work"), "--output", str(project.folder / "out")),
        *("--checkpoint-every-steps", "4", "--seed", "1", "--json"),
    ]
    environment = {**os.environ, "PYTHONPATH": str(project_root)}
    process = subprocess.Popen(
        arguments, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    state = project.folder / "work" / "checkpoints" / "checkpoint"
    deadline = time.monotonic() + 240
    while not state.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == (143 if number == signal.SIGTERM else -9), stderr
    if number == signal.SIGTERM:
        assert "run the same again" in stderr and "Traceback" not in stderr
    assert (project.folder / "out" / "curves.html").exists() is (number == signal.SIGTERM)

    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout[done.stdout.index("\n{") :])
    assert facts["steps"] == 30 and 4 <= facts["resumed_from"] < 30
    steps = [entry["step"] for entry in read_history(project.folder / "work" / "history.jsonl")]
    assert steps == list(range(1, 31))


def test_a_shard_that_changed_since_validation_is_refused(project):
    with Path(project.shards[1].uri).open("ab") as stream:
        stream.write(b"more")
    with pytest.raises(DataError, match="run data_validation again") as error:
        run(project)
    assert error.value.details["file"] == project.shards[1].uri
    page = (project.folder / "run-out" / "curves.html").read_text()
    assert "has changed since it was validated" in page


def test_a_label_map_that_changed_since_validation_is_refused(project):
    project.label_map.write_text("item { id: 1 name: 'light' }")
    with pytest.raises(DataError, match="label map has changed"):
        run(project)


def test_quarantined_records_are_not_silently_trained_on(project):
    shard = project.shards[0]
    project.write_manifest([QuarantinedRecord(shard.sha256, shard.uri, 2, "box_finite")])
    with pytest.raises(DataError, match="record 2"):
        run(project)


def test_a_warm_start_that_is_not_there_is_refused_before_any_step(project):
    with pytest.raises(UserError, match="nowhere"):
        run(project, extra=warm_start("nowhere/ckpt-0"))
    assert not (project.folder / "run-out" / "checkpoint").exists()


@pytest.mark.parametrize("place", ["s3://bucket/run", "gs://bucket/run", ""])
def test_work_folders_that_cannot_be_saved_to_are_refused_by_name(place):
    with pytest.raises(ConfigError) as error:
        local_work_dir(place)
    assert error.value.details["field"] == "work_dir"


def test_a_file_uri_is_a_local_folder(tmp_path):
    assert local_work_dir(f"file://{tmp_path}") == tmp_path


def test_help_teaches_and_a_mistake_is_one_message(tmp_path):
    shown = CliRunner().invoke(main, ["--help"])
    assert shown.exit_code == 0 and "Example" in shown.output and "143" in shown.output
    arguments = [
        "--pipeline-config",
        str(tmp_path / "none"),
        "--manifest",
        "m",
        "--work-dir",
        str(tmp_path / "w"),
    ]
    failed = CliRunner().invoke(main, [*arguments, "--output", str(tmp_path / "o")])
    assert failed.exit_code == 2
    assert str(tmp_path / "none") in failed.output and "Traceback" not in failed.output
