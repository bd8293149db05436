from __future__ import annotations

import json

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from hypothesis import given, settings
from hypothesis import strategies as st

from detection.config import pipeline_pb2 as pb
from detection.errors import ConfigError
from detection.training.learning_rate import build_learning_rate

NAMES = [
    "cosine",
    "cosine_hold",
    "cosine_nowarm",
    "exp_staircase",
    "exp_smooth",
    "manual",
    "manual_warmup",
    "constant",
]


def schedule_of(text):
    return build_learning_rate(text_format.Parse(text, pb.LearningRate()))


def values_of(schedule, steps):
    graph = tf.function(schedule, input_signature=[tf.TensorSpec([], tf.int64)])
    return np.array([float(graph(tf.constant(step, tf.int64))) for step in steps])


@pytest.fixture(scope="module")
def golden(shared_dir):
    recorded = json.loads((shared_dir / "golden" / "lr_schedules.json").read_text())
    assert sorted(recorded) == sorted(NAMES)
    return recorded


@pytest.mark.parametrize("name", NAMES)
def test_schedule_equals_recorded_values(golden, name):
    entry = golden[name]
    found = values_of(schedule_of(entry["proto"]), entry["steps"])
    np.testing.assert_allclose(found, entry["values"], rtol=2e-6, atol=1e-9)


def test_rate_is_a_float32_scalar_in_every_schedule(golden):
    for entry in golden.values():
        rate = schedule_of(entry["proto"])(tf.constant(3, tf.int64))
        assert rate.dtype == tf.float32 and rate.shape == []


@settings(max_examples=40, deadline=None)
@given(
    warmup=st.integers(0, 50),
    hold=st.integers(0, 50),
    decay=st.integers(0, 100),
    step=st.integers(0, 300),
)
def test_cosine_stays_between_zero_and_base_and_ends_at_zero(warmup, hold, decay, step):
    total = warmup + hold + decay
    schedule = schedule_of(
        f"cosine_decay_learning_rate {{ learning_rate_base: .5 total_steps: {total} "
        f"warmup_learning_rate: .1 warmup_steps: {warmup} hold_base_rate_steps: {hold} }}"
    )
    rate = float(schedule(tf.constant(step, tf.int64)))
    assert 0.0 <= rate <= 0.5000001
    if step > total:
        assert rate == 0.0
    if warmup <= step <= warmup + hold and step <= total:
        assert rate == pytest.approx(0.5, rel=1e-6)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "learning_rate"),
        ("cosine_decay_learning_rate { total_steps: 100 }", "warmup_steps"),
        (
            "cosine_decay_learning_rate { learning_rate_base: .1 warmup_learning_rate: .2 warmup_steps: 5 }",
            "warmup_learning_rate",
        ),
        ("exponential_decay_learning_rate { decay_steps: 0 }", "decay_steps"),
        ("manual_step_learning_rate { schedule { step: 0 learning_rate: .1 } }", "schedule.step"),
        (
            "manual_step_learning_rate { schedule { step: 9 learning_rate: .1 } "
            "schedule { step: 9 learning_rate: .2 } }",
            "schedule.step",
        ),
        ("manual_step_learning_rate { warmup: true }", "schedule"),
    ],
)
def test_contradictions_are_refused_by_field(text, field):
    with pytest.raises(ConfigError) as error:
        schedule_of(text)
    assert field in error.value.details["field"]
