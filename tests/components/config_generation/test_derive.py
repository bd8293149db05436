"""The truth table of the derived schedule (DESIGN decision D9)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.config_generation.derive import derive_schedule, shortest
from components.config_generation.parameters import TrainingParameters
from components.config_generation.schedule_check import check_schedule, cosine_rate
from detection.config import pipeline_pb2 as pb
from detection.config.reading import parse_pipeline_config
from detection.errors import ConfigError


def train_config(schedule: str, batch: int = 128, steps: int = 50000) -> pb.TrainConfig:
    text = (
        f"train_config {{ batch_size: {batch} num_steps: {steps} optimizer {{ momentum_optimizer {{"
        f" learning_rate {{ {schedule} }} }} }} }}"
    )
    return parse_pipeline_config(text).train_config


COSINE = (
    "cosine_decay_learning_rate { learning_rate_base: .08 total_steps: 50000"
    " warmup_learning_rate: .026666 warmup_steps: 1000 }"
)


def derived(base: pb.TrainConfig, **parameters: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    schedule = derive_schedule(base, TrainingParameters(**parameters))
    assert all(value.formula for value in schedule.values)
    return {value.path.rpartition(".")[2]: value.value for value in schedule.values}, schedule.warnings


# Parameters -> steps, batch, rate, warm-up rate, warm-up steps, total steps, number of warnings.
TRUTH = [
    ({}, (50000, 128, 0.08, 0.026666, 1000, 50000, 0)),
    ({"num_steps": 2000}, (2000, 128, 0.08, 0.026666, 40, 2000, 0)),
    ({"batch_size": 8}, (50000, 8, 0.005, 0.026666 / 16, 1000, 50000, 0)),
    ({"num_steps": 2000, "batch_size": 8}, (2000, 8, 0.005, 0.026666 / 16, 40, 2000, 0)),
    ({"num_steps": 2000, "batch_size": 256}, (2000, 256, 0.16, 0.053332, 40, 2000, 0)),
    ({"num_steps": 2000, "learning_rate": 0.04}, (2000, 128, 0.04, 0.013333, 40, 2000, 0)),
    ({"batch_size": 8, "learning_rate": 0.04}, (50000, 8, 0.04, 0.013333, 1000, 50000, 1)),
    ({"batch_size": 8, "learning_rate": 0.005}, (50000, 8, 0.005, 0.026666 / 16, 1000, 50000, 0)),
    ({"batch_size": 8, "learning_rate": 0.0001}, (50000, 8, 0.0001, 0.026666 / 800, 1000, 50000, 1)),
    ({"num_steps": 2000, "warmup_steps": 500}, (2000, 128, 0.08, 0.026666, 500, 2000, 0)),
    ({"num_steps": 2000, "warmup_steps": 0}, (2000, 128, 0.08, 0.026666, 0, 2000, 0)),
    ({"num_steps": 2000, "warmup_learning_rate": 0.001}, (2000, 128, 0.08, 0.001, 40, 2000, 0)),
    ({"num_steps": 2000, "warmup_learning_rate": 0.0}, (2000, 128, 0.08, 0.0, 40, 2000, 0)),
    ({"num_steps": 2000, "decay_steps": 30000}, (2000, 128, 0.08, 0.026666, 40, 30000, 0)),
    ({"num_steps": 1}, (1, 128, 0.08, 0.026666, 0, 1, 0)),
]


@pytest.mark.parametrize(("parameters", "expected"), TRUTH, ids=[str(parameters) for parameters, _ in TRUTH])
def test_truth_table_of_the_cosine(parameters: dict[str, Any], expected: tuple[Any, ...]) -> None:
    values, warnings = derived(train_config(COSINE), **parameters)
    names = (
        "num_steps",
        "batch_size",
        "learning_rate_base",
        "warmup_learning_rate",
        "warmup_steps",
        "total_steps",
    )
    assert [values[name] for name in names] == pytest.approx(expected[:6], rel=1e-6)
    assert len(warnings) == expected[6]


def test_formulas_show_the_numbers() -> None:
    schedule = derive_schedule(train_config(COSINE), TrainingParameters(num_steps=2000, batch_size=8))
    formula = {value.path.rpartition(".")[2]: value.formula for value in schedule.values}
    assert formula["learning_rate_base"] == "base rate 0.08 x batch 8 / base batch 128"
    assert formula["warmup_steps"] == "base warm-up 1000 x steps 2000 / base steps 50000, rounded"
    assert formula["num_steps"] == "given"


def test_exponential() -> None:
    base = train_config(
        "exponential_decay_learning_rate { initial_learning_rate: .01 decay_steps: 1000 burnin_steps: 100"
        " burnin_learning_rate: .001 min_learning_rate: .0001 }",
        batch=16,
        steps=10000,
    )
    values, _ = derived(base, num_steps=1000, batch_size=32)
    assert values["initial_learning_rate"] == pytest.approx(0.02)
    assert (values["decay_steps"], values["burnin_steps"]) == (100, 10)
    assert values["burnin_learning_rate"] == pytest.approx(0.002)
    assert values["min_learning_rate"] == pytest.approx(0.0002)
    given_values, _ = derived(base, num_steps=1000, decay_steps=7, warmup_steps=3)
    assert (given_values["decay_steps"], given_values["burnin_steps"]) == (7, 3)


def test_manual_and_constant() -> None:
    base = train_config(
        "manual_step_learning_rate { initial_learning_rate: .01 schedule { step: 900 learning_rate: .001 } }",
        batch=16,
        steps=1000,
    )
    values, _ = derived(base, num_steps=100, batch_size=8)
    assert values["step"] == 90
    assert values["learning_rate"] == pytest.approx(0.0005)
    constant = train_config("constant_learning_rate { learning_rate: .01 }", batch=16, steps=1000)
    assert derived(constant, batch_size=8)[0]["learning_rate"] == pytest.approx(0.005)
    for parameters in ({"warmup_steps": 5}, {"decay_steps": 5}, {"warmup_learning_rate": 0.1}):
        for train in (base, constant):
            with pytest.raises(ConfigError, match=next(iter(parameters))):
                derived(train, **parameters)


def test_a_base_without_steps_optimizer_or_schedule() -> None:
    base = train_config(COSINE)
    base.ClearField("num_steps")
    with pytest.raises(ConfigError, match="no steps"):
        derived(base)
    assert derived(base, num_steps=10)[0]["num_steps"] == 10
    with pytest.raises(ConfigError, match="no optimizer"):
        derived(pb.TrainConfig(), num_steps=5)
    base.optimizer.momentum_optimizer.ClearField("learning_rate")
    with pytest.raises(ConfigError, match="no learning-rate schedule"):
        derived(base, num_steps=5)


@given(batch=st.integers(1, 1024), steps=st.integers(1, 10**6))
def test_the_rate_is_linear_in_the_batch_and_the_warmup_shorter_than_the_training(
    batch: int, steps: int
) -> None:
    values, _ = derived(train_config(COSINE), batch_size=batch, num_steps=steps)
    assert values["learning_rate_base"] == pytest.approx(0.08 * batch / 128, rel=1e-6)
    assert 0 <= values["warmup_steps"] < steps
    assert values["total_steps"] == steps
    assert values["warmup_learning_rate"] <= values["learning_rate_base"]


@given(st.floats(width=32, min_value=2**-20, max_value=1024))
def test_shortest_is_the_same_float32(value: float) -> None:
    assert np.float32(shortest(value)) == np.float32(value)
    assert len(str(shortest(value))) <= 14


def test_cosine_rate_is_the_reference_one() -> None:
    cosine = train_config(COSINE.replace(".08 total_steps: 50000", ".04 total_steps: 25000")).optimizer
    schedule = cosine.momentum_optimizer.learning_rate.cosine_decay_learning_rate
    schedule.warmup_learning_rate, schedule.warmup_steps = 0.013333, 2000
    # Recorded from the OD API: golden/lr_schedules.json, "cosine".
    for step, rate in ((0, 0.0133330), (1999, 0.03998667), (2000, 0.04), (5000, 0.03834423), (25001, 0.0)):
        assert cosine_rate(schedule, step) == pytest.approx(rate, abs=1e-7)


CHECKED = [
    (COSINE, 50000, ""),
    (COSINE, 60000, "the last 10000 steps teach nothing"),
    (COSINE, 2000, "does not decay to 0"),
    ("exponential_decay_learning_rate { decay_steps: 900 }", 500, "decays first after step 900"),
    ("exponential_decay_learning_rate { decay_steps: 9 }", 500, ""),
    ("manual_step_learning_rate { schedule { step: 9 } }", 500, ""),
    ("manual_step_learning_rate { schedule { step: 600 } }", 500, "is to change at step 600"),
    ("constant_learning_rate {}", 500, ""),
]


@pytest.mark.parametrize(("schedule", "steps", "said"), CHECKED)
def test_check_schedule(schedule: str, steps: int, said: str) -> None:
    warnings = check_schedule(train_config(schedule, steps=steps))
    assert len(warnings) == (1 if said else 0)
    assert said in " ".join(warnings)


@pytest.mark.parametrize("steps", [1000, 999, 1])
def test_a_warmup_as_long_as_the_training_is_refused(steps: int) -> None:
    with pytest.raises(ConfigError, match="warm-up is not shorter"):
        check_schedule(train_config(COSINE, steps=steps))
    with pytest.raises(ConfigError, match="warm-up is not shorter"):
        check_schedule(train_config("exponential_decay_learning_rate { burnin_steps: 1000 }", steps=steps))
