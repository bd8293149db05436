from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from configs import CONFIGS_DIR
from detection.errors import ConfigError
from pipeline.run_file import RunFile, apply_setting, load_run_file, pipeline_arguments

OWN_DATA = {"train": "t-*.tfrecord", "eval": "e-*.tfrecord", "label_map": "map.pbtxt"}


def write(tmp_path: Path, content: dict) -> Path:
    file = tmp_path / "run.yaml"
    file.write_text(yaml.safe_dump(content))
    return file


@pytest.mark.parametrize("file", sorted((CONFIGS_DIR / "runs").glob("*.yaml")), ids=lambda file: file.stem)
def test_every_shipped_run_file_loads_and_says_what_it_is_for(file: Path) -> None:
    assert load_run_file(file).name == file.stem.replace("_", "-")
    header = file.read_text().split("name:")[0]
    assert all(word in header for word in ("command", "result", "time"))


def test_a_shipped_run_file_is_found_by_its_name() -> None:
    assert load_run_file(Path("demo")).name == "demo"


def test_a_missing_run_file_names_the_shipped_ones(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="demo"):
        load_run_file(tmp_path / "missing.yaml")


def test_an_unknown_key_is_refused_with_the_valid_ones(tmp_path: Path) -> None:
    content = {"name": "a", "data": OWN_DATA, "training": {"sed": 3}}
    with pytest.raises(ConfigError) as error:
        load_run_file(write(tmp_path, content))
    assert "training.sed" in str(error.value)
    assert "seed" in str(error.value)


def test_every_wrong_value_is_named_at_once(tmp_path: Path) -> None:
    content = {"name": "NO SPACES", "data": {"scenes": {"seed": -1, "shards": "many"}}}
    with pytest.raises(ConfigError) as error:
        load_run_file(write(tmp_path, content))
    assert all(field in str(error.value) for field in ("name", "data.scenes.seed", "data.scenes.shards"))


@pytest.mark.parametrize(
    ("data", "named"),
    [
        ({}, "data.train"),
        ({"train": "x"}, "data.eval, data.label_map"),
        ({**OWN_DATA, "scenes": {}}, "Both generated scenes and own data"),
    ],
)
def test_data_must_be_own_or_generated(tmp_path: Path, data: dict, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        load_run_file(write(tmp_path, {"name": "a", "data": data}))


def test_settings_reach_into_sections_and_are_typed(tmp_path: Path) -> None:
    file = write(tmp_path, {"name": "a", "data": OWN_DATA})
    run = load_run_file(
        file, ("training.parameters.num_steps=7", "gate.min_AP50=0.25", "model.num_classes=4")
    )
    assert run.training.parameters == {"num_steps": 7}
    assert run.gate == {"min_AP50": 0.25}
    assert run.model.num_classes == 4


@pytest.mark.parametrize("setting", ["no_value", "=3", "name.inner=3"])
def test_a_setting_that_makes_no_sense_is_refused(setting: str) -> None:
    with pytest.raises(ConfigError):
        apply_setting({"name": "a"}, setting)


@given(st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=4), st.integers())
def test_a_setting_changes_its_key_and_nothing_else(path: list[str], value: int) -> None:
    content: dict = {"untouched": {"deep": 1}}
    apply_setting(content, f"{'.'.join(path)}={value}")
    place = content
    for part in path:
        place = place[part]
    assert place == value
    assert content["untouched"] == {"deep": 1}


def test_arguments_fit_the_dag_and_make_paths_absolute() -> None:
    from pipeline.dag import street_detector_training

    run = RunFile.model_validate({"name": "a", "data": OWN_DATA})
    arguments = pipeline_arguments(run, "/somewhere/run", run.data)
    inputs = street_detector_training.component_spec.inputs
    assert set(arguments) == set(inputs)
    assert Path(arguments["train_uri"]).is_absolute()
    assert json.loads(arguments["run_parameters"])["data"]["train"] == OWN_DATA["train"]
