from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format

from detection.config import pipeline_pb2 as pb
from detection.errors import ConfigError
from detection.training.optimizers import build_optimizer

RATE = """learning_rate { manual_step_learning_rate {
    initial_learning_rate: .1 schedule { step: 3 learning_rate: .02 } } }"""


def optimizer_of(text):
    return build_optimizer(text_format.Parse(text, pb.Optimizer()))


def run(optimizer, start, gradients):
    variable = tf.Variable(start, name="w")
    optimizer.build([variable])
    path = []
    for step, gradient in enumerate(gradients):
        optimizer.apply(
            [variable], [tf.constant(gradient)], optimizer.learning_rate(tf.constant(step, tf.int64))
        )
        optimizer.iter.assign_add(1)
        path.append(variable.numpy())
    return np.array(path)


def rate_at(step):
    return 0.1 if step < 3 else 0.02


@pytest.fixture
def problem():
    generator = np.random.default_rng(3)
    start = generator.normal(size=[4, 3]).astype(np.float32)
    return start, generator.normal(size=[8, 4, 3]).astype(np.float32)


def test_momentum_folds_the_rate_into_the_accumulator(problem):
    start, gradients = problem
    found = run(
        optimizer_of(f"momentum_optimizer {{ {RATE} momentum_optimizer_value: .9 }}"), start, gradients
    )
    w, v, expected = start.astype(np.float64), 0.0, []
    for step, g in enumerate(gradients):
        v = 0.9 * v - rate_at(step) * g
        w = w + v
        expected.append(w)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_without_momentum_it_is_gradient_descent_and_has_no_slot(problem):
    start, gradients = problem
    optimizer = optimizer_of(f"momentum_optimizer {{ {RATE} momentum_optimizer_value: 0 }}")
    found = run(optimizer, start, gradients)
    steps = np.array([rate_at(i) for i in range(8)])[:, None, None] * gradients
    np.testing.assert_allclose(found, start - np.cumsum(steps, axis=0), rtol=1e-5, atol=1e-6)
    assert optimizer.get_slot_names() == []


def test_adam_adds_epsilon_to_the_root_of_the_uncorrected_moment(problem):
    start, gradients = problem
    found = run(optimizer_of(f"adam_optimizer {{ {RATE} epsilon: 0.01 }}"), start, gradients)
    w, m, v, expected = start.astype(np.float64), 0.0, 0.0, []
    for step, g in enumerate(gradients):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g.astype(np.float64) ** 2
        correction = np.sqrt(1 - 0.999 ** (step + 1)) / (1 - 0.9 ** (step + 1))
        w = w - rate_at(step) * correction * m / (np.sqrt(v) + 0.01)
        expected.append(w)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_rmsprop_decay_slows_the_rate_down(problem):
    start, gradients = problem
    text = f"rms_prop_optimizer {{ {RATE} momentum_optimizer_value: .8 decay: .5 epsilon: .3 }}"
    found = run(optimizer_of(text), start, gradients)
    w, square, momentum, expected = start.astype(np.float64), 0.0, 0.0, []
    for step, g in enumerate(gradients):
        rate = rate_at(step) / (1 + 0.5 * step)
        square = 0.9 * square + 0.1 * g.astype(np.float64) ** 2
        momentum = 0.8 * momentum + rate * g / np.sqrt(square + 0.3)
        w = w - momentum
        expected.append(w)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("text", "slots", "scalars"),
    [
        ("momentum_optimizer { %s }", {"momentum"}, {"iter", "decay", "momentum"}),
        ("adam_optimizer { %s }", {"m", "v"}, {"iter", "decay", "beta_1", "beta_2"}),
        ("rms_prop_optimizer { %s }", {"rms", "momentum"}, {"iter", "decay", "momentum", "rho"}),
    ],
)
def test_checkpoint_keys_and_round_trip(tmp_path, text, slots, scalars):
    def make():
        model = tf.Module()
        model.kernel = tf.Variable([[1.0, 2.0]], name="kernel")
        model.moving = tf.Variable([1.0], trainable=False, name="moving")
        optimizer = optimizer_of(text % RATE)
        optimizer.build([model.kernel])
        return model, optimizer, tf.train.Checkpoint(model=model, optimizer=optimizer)

    model, optimizer, checkpoint = make()
    optimizer.apply([model.kernel], [tf.constant([[0.5, -1.0]])], tf.constant(0.1))
    optimizer.iter.assign_add(1)
    prefix = checkpoint.write(str(tmp_path / "ckpt"))
    end = "/.ATTRIBUTES/VARIABLE_VALUE"
    keys = {name for name, _ in tf.train.list_variables(prefix)} - {"_CHECKPOINTABLE_OBJECT_GRAPH"}
    expected = {f"model/kernel{end}", f"model/moving{end}"}
    expected |= {f"model/kernel/.OPTIMIZER_SLOT/optimizer/{slot}{end}" for slot in slots}
    expected |= {f"optimizer/{name}{end}" for name in scalars}
    assert keys == expected

    other_model, other_optimizer, other = make()
    other.read(prefix).assert_consumed()
    assert int(other_optimizer.iter) == 1
    np.testing.assert_array_equal(other_model.kernel, model.kernel)
    for slot in slots:
        value = other_optimizer.get_slot(other_model.kernel, slot).numpy()
        np.testing.assert_array_equal(value, optimizer.get_slot(model.kernel, slot))
        assert np.any(value != 0)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "train_config.optimizer"),
        ("adam_optimizer { %s } use_moving_average: true", "use_moving_average"),
        ("adam_optimizer { }", "learning_rate"),
    ],
)
def test_what_is_missing_or_not_built_is_refused(text, field):
    with pytest.raises(ConfigError) as error:
        optimizer_of(text.replace("%s", RATE))
    assert field in error.value.details["field"]


def test_moving_averages_are_off_where_the_config_does_not_ask_for_them():
    assert optimizer_of(f"adam_optimizer {{ {RATE} }}").get_slot_names() == ["m", "v"]
