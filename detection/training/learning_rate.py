"""Learning-rate schedules as tensor functions of the global step (OD_API_SPEC section 8.3).

Each schedule maps ``s``, the global step before the update (int64 scalar; the first update uses 0), to the
rate of that update (float32 scalar). Nothing but ``s`` moves a schedule, so a resumed run continues on it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import tensorflow as tf

from detection.errors import ConfigError

Schedule = Callable[[Any], Any]

_FIELD = "train_config.optimizer.*.learning_rate"


def build_learning_rate(config: Any) -> Schedule:
    """Builds the schedule of a ``LearningRate`` message.

    Args:
        config: ``pb.LearningRate``.

    Returns:
        A function of an int64 scalar (tensor or int) that gives a float32 scalar tensor.

    Raises:
        ConfigError: No schedule is set, or its values contradict one another.
    """
    name = config.WhichOneof("learning_rate")
    builders = {
        "constant_learning_rate": _constant,
        "cosine_decay_learning_rate": _cosine_decay,
        "exponential_decay_learning_rate": _exponential_decay,
        "manual_step_learning_rate": _manual_step,
    }
    if name is None:
        raise ConfigError(
            "the optimizer has no learning rate",
            field=_FIELD,
            expected="one of " + ", ".join(builders),
        )
    return builders[name](getattr(config, name))


def _constant(config: Any) -> Schedule:
    rate = config.learning_rate
    return lambda step: tf.constant(rate, tf.float32)


def _cosine_decay(config: Any) -> Schedule:
    base, start = config.learning_rate_base, config.warmup_learning_rate
    total, warmup, hold = config.total_steps, config.warmup_steps, config.hold_base_rate_steps
    if total < warmup:
        raise ConfigError(
            "the warm-up is longer than the schedule",
            field=f"{_FIELD}.cosine_decay_learning_rate.warmup_steps",
            found=f"warmup_steps {warmup}, total_steps {total}",
            expected="warmup_steps of at most total_steps (warmup_steps is 10000 where it is not given)",
        )
    if warmup > 0 and base < start:
        raise ConfigError(
            "the warm-up starts above the rate that it should rise to",
            field=f"{_FIELD}.cosine_decay_learning_rate.warmup_learning_rate",
            found=f"warmup_learning_rate {start:g}, learning_rate_base {base:g}",
            expected="warmup_learning_rate of at most learning_rate_base",
        )
    # Where the decay has no length, only its first point can be asked for.
    decay_steps = float(max(total - warmup - hold, 1))

    def schedule(step: Any) -> Any:
        s = tf.cast(step, tf.float32)
        rate = 0.5 * base * (1.0 + tf.cos(math.pi * (s - float(warmup + hold)) / decay_steps))
        if hold > 0:
            rate = tf.where(s <= float(warmup + hold), base, rate)
        if warmup > 0:
            rate = tf.where(s < float(warmup), start + (base - start) / warmup * s, rate)
        return tf.where(s > float(total), 0.0, rate)

    return schedule


def _exponential_decay(config: Any) -> Schedule:
    initial, factor = config.initial_learning_rate, config.decay_factor
    burnin, burnin_steps = config.burnin_learning_rate or initial, config.burnin_steps
    if config.decay_steps == 0:
        raise ConfigError(
            "the decay has no length",
            field=f"{_FIELD}.exponential_decay_learning_rate.decay_steps",
            found=0,
            expected="at least 1",
        )

    def schedule(step: Any) -> Any:
        s = tf.cast(step, tf.float32)
        exponent = (s - float(burnin_steps)) / float(config.decay_steps)
        if config.staircase:
            exponent = tf.floor(exponent)
        rate = initial * tf.pow(tf.constant(factor, tf.float32), exponent)
        rate = tf.where(s < float(burnin_steps), burnin, rate)
        return tf.maximum(rate, config.min_learning_rate)

    return schedule


def _manual_step(config: Any) -> Schedule:
    boundaries = [entry.step for entry in config.schedule]
    rates = [config.initial_learning_rate, *(entry.learning_rate for entry in config.schedule)]
    field = f"{_FIELD}.manual_step_learning_rate"
    if any(b <= a for a, b in pairwise([0, *boundaries])):
        raise ConfigError(
            "the steps of the schedule must be positive and rise",
            field=f"{field}.schedule.step",
            found=boundaries,
            expected="steps above 0, each larger than the one before",
        )
    if config.warmup and not boundaries:
        raise ConfigError(
            "a warm-up needs a step to rise to",
            field=f"{field}.schedule",
            found="no entry",
            expected="one or more",
        )

    def schedule(step: Any) -> Any:
        s = tf.cast(step, tf.int64)
        passed = tf.reduce_sum(tf.cast(s >= tf.constant(boundaries, tf.int64), tf.int32))
        rate = tf.gather(tf.constant(rates, tf.float32), passed)
        if config.warmup:
            slope = (rates[1] - rates[0]) / boundaries[0]
            rate = tf.where(s < boundaries[0], rates[0] + slope * tf.cast(s, tf.float32), rate)
        return rate

    return schedule
