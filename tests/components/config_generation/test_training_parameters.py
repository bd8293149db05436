"""The JSON parameters: typed, unknown keys refused, every problem at once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.config_generation.parameters import TrainingParameters, parameters_from, parse_parameters
from detection.errors import ConfigError


def test_nothing_given_is_all_defaults() -> None:
    assert parse_parameters("") == parse_parameters("{}") == TrainingParameters()


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "num_steps": st.integers(1, 10**6),
            "batch_size": st.integers(0, 512),
            "learning_rate": st.floats(0, 10),
            "warmup_steps": st.integers(-1, 1000),
            "augmentation": st.sampled_from(["base", "recipe", "none"]),
            "optimizer": st.sampled_from(["", "momentum", "adam", "rms_prop"]),
            "overrides": st.dictionaries(st.text(max_size=4), st.integers(), max_size=2),
        },
    )
)
def test_what_is_given_stands(content: dict[str, Any]) -> None:
    parameters = parse_parameters(json.dumps(content))
    for key, value in content.items():
        assert getattr(parameters, key) == value
    assert parameters_from(parameters.as_dict()) == parameters


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"num_stps": 5}, "perhaps num_steps"),
        ({"zebra": 5}, "zebra: unknown parameter"),
        ({"num_steps": 0}, "whole number from 1"),
        ({"num_steps": -5}, "found -5"),
        ({"num_steps": 2.5}, "found 2.5"),
        ({"num_steps": "2000"}, "found '2000'"),
        ({"num_steps": True}, "found True"),
        ({"batch_size": -1}, "from 0"),
        ({"batch_size": None}, "found None"),
        ({"learning_rate": -0.1}, "from 0"),
        ({"learning_rate": float("nan")}, "found nan"),
        ({"learning_rate": float("inf")}, "found inf"),
        ({"warmup_steps": -2}, "from -1"),
        ({"augmentation": "mosaic"}, "'base', 'recipe', 'none'"),
        ({"augmentation": ["base"]}, "found ['base']"),
        ({"optimizer": "sgd"}, "'momentum', 'adam'"),
        ({"overrides": ["a"]}, "by field path"),
        ({"overrides": None}, "by field path"),
    ],
)
def test_refused(content: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_parameters(json.dumps(content))
    assert said in str(caught.value)
    assert "num_steps, batch_size" in str(caught.value)


def test_all_problems_are_in_one_error() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_parameters('{"num_steps": 0, "batchsize": 8, "optimizer": "x"}')
    for said in ("num_steps:", "batchsize:", "optimizer:"):
        assert said in str(caught.value)


@pytest.mark.parametrize("text", ["{", "[]", "3", '"a"', "null", "num_steps: 3"])
def test_what_is_no_json_object(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_parameters(text)
