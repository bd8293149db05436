"""Checks a complete schedule: too long a warm-up is refused, a rate that never decays is warned about."""

from __future__ import annotations

import math

from components.config_generation.derive import learning_rate_of, shortest
from detection.config import pipeline_pb2 as pb
from detection.errors import ConfigError

_OVER_ALL = "Leave decay_steps out to decay over all steps."


def cosine_rate(cosine: pb.CosineDecayLearningRate, step: int) -> float:
    """The rate of a cosine schedule for the update after ``step`` updates (OD_API_SPEC section 8.3)."""
    base, warmup, hold = cosine.learning_rate_base, cosine.warmup_steps, cosine.hold_base_rate_steps
    if step > cosine.total_steps:
        return 0.0
    if warmup > 0 and step < warmup:
        return cosine.warmup_learning_rate + (base - cosine.warmup_learning_rate) / warmup * step
    if hold > 0 and step <= warmup + hold:
        return base
    return (
        0.5 * base * (1 + math.cos(math.pi * (step - warmup - hold) / (cosine.total_steps - warmup - hold)))
    )


def check_schedule(train: pb.TrainConfig) -> list[str]:
    """Checks the schedule that a run will train with, overrides included.

    Returns:
        Warnings in words.

    Raises:
        ConfigError: The warm-up is not shorter than the training.
    """
    path, _, schedule = learning_rate_of(train)
    if isinstance(schedule, pb.CosineDecayLearningRate):
        _check_warmup(f"{path}.warmup_steps", schedule.warmup_steps, train.num_steps)
        return _cosine(schedule, train.num_steps)
    if isinstance(schedule, pb.ExponentialDecayLearningRate):
        _check_warmup(f"{path}.burnin_steps", schedule.burnin_steps, train.num_steps)
        first = schedule.burnin_steps + schedule.decay_steps
        if schedule.staircase and first >= train.num_steps:
            return [f"the rate decays first after step {first}, but training ends at step {train.num_steps}."]
    if isinstance(schedule, pb.ManualStepLearningRate):
        late = [entry.step for entry in schedule.schedule if entry.step >= train.num_steps]
        if late:
            return [f"the rate is to change at step {late[0]}, but training ends at step {train.num_steps}."]
    return []


def _check_warmup(path: str, warmup: int, steps: int) -> None:
    if warmup >= steps:
        raise ConfigError(
            "The warm-up is not shorter than the training.",
            field=path,
            found=f"{warmup} steps of warm-up, {steps} steps of training",
            expected=f"less than {steps}",
            mend="shorten the warm-up (warmup_steps), or train longer (num_steps)",
        )


def _cosine(cosine: pb.CosineDecayLearningRate, steps: int) -> list[str]:
    total = cosine.total_steps
    if total <= cosine.warmup_steps + cosine.hold_base_rate_steps:
        return []  # a contradiction, which is refused with the fields' names
    if total < steps:
        return [
            f"the rate is 0 after step {total}, but training goes on to step {steps}: "
            f"the last {steps - total} steps teach nothing. {_OVER_ALL}"
        ]
    if total > steps:
        return [
            f"the decay ends at step {total}, but training ends at step {steps} with a rate of "
            f"{cosine_rate(cosine, steps):.4g} of {shortest(cosine.learning_rate_base):g}: "
            f"it does not decay to 0. {_OVER_ALL}"
        ]
    return []
