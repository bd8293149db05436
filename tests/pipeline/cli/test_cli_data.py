from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from detection.errors import ConfigError, DataError
from pipeline.cli.data import data

TINY = ["--train-sequences", "2", "--eval-sequences", "1", "--frames", "2", "--width", "96", "--height", "96"]
TINY += ["--workers", "1"]


def invoke(*arguments: str):
    return CliRunner().invoke(data, list(arguments))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("cli") / "set"
    result = invoke("generate", str(path), *TINY)
    assert result.exit_code == 0, result.output
    return path


def test_generate_says_what_it_made(folder):
    result = invoke("generate", str(folder), *TINY)
    assert result.exit_code == 0
    assert "already" in result.output and "label_map.pbtxt" in result.output and "pedestrian" in result.output


def test_generate_json(folder):
    facts = json.loads(invoke("generate", str(folder), *TINY, "--json").stdout)
    assert facts["reused"] is True
    assert facts["train_pattern"] == str(folder / "train-*.tfrecord")
    assert facts["counts"]["train"]["images"] == 4


def test_generate_refuses_to_replace_unless_told(folder):
    result = invoke("generate", str(folder), *TINY, "--seed", "77")
    assert isinstance(result.exception, DataError)


def test_generate_refuses_a_look_that_is_not_there(tmp_path):
    result = invoke("generate", str(tmp_path / "set"), "--look", "paris")
    assert isinstance(result.exception, ConfigError)


@pytest.mark.parametrize("command", ["generate", "inspect"])
def test_help_teaches_with_examples(command):
    output = invoke(command, "--help").output
    # Each example stands on a line of its own.
    lines = [line.strip() for line in output.splitlines()]
    assert "Examples:" in lines and any(line.startswith(f"urbandet data {command} ") for line in lines)


def test_inspect_table(folder):
    output = invoke("inspect", str(folder / "train-*"), str(folder / "eval-*")).output
    assert "total" in output and "96x96" in output and "vehicle (1)" in output


def test_inspect_json_agrees_with_the_record_of_the_data_set(folder):
    facts = json.loads(invoke("inspect", str(folder / "train-*"), "--json").stdout)
    counts = json.loads((folder / "dataset.json").read_text())["counts"]["train"]
    assert facts["total"]["records"] == counts["images"] == 4
    named = {name.split(" (")[0]: count for name, count in facts["total"]["boxes_by_class"].items()}
    assert named == counts["boxes_by_class"]
    assert len(facts["shards"]) == len(counts["shards"])


def test_inspect_draws(folder, tmp_path):
    result = invoke(
        "inspect", str(folder / "train-*"), "--draw", str(tmp_path / "out"), "--limit", "3", "--json"
    )
    drawn = json.loads(result.stdout)["drawn"]
    assert len(drawn) == 3
    assert {Image.open(path).size for path in drawn} == {(96, 96)}
    assert Image.open(tmp_path / "out" / "contact_sheet.png").size[0] == 3 * 360


def test_inspect_names_a_missing_file():
    assert isinstance(invoke("inspect", "/nowhere/*.tfrecord").exception, DataError)


def test_inspect_refuses_a_limit_of_nothing(folder):
    result = invoke("inspect", str(folder / "train-*"), "--limit", "0")
    assert isinstance(result.exception, ConfigError)
