"""Derives the schedule of a run from its steps and batch size, and says how (DESIGN decision D9).

Rates follow the batch size linearly (Goyal et al., "Accurate, Large Minibatch SGD", 2017); steps follow the
length of the training. A value that the run gives stands; a warning says when it contradicts the derived.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from google.protobuf.message import Message

from components.config_generation.parameters import TrainingParameters
from detection.config import pipeline_pb2 as pb
from detection.errors import ConfigError

_RATE_CONTRADICTS = 2.0  # a given rate that is further than this factor from the derived one is warned about


@dataclass(frozen=True)
class DerivedValue:
    """One value of the config and how it came about.

    Attributes:
        path: The field's full path.
        value: The value to set.
        formula: How it follows from the base and the parameters, in words.
    """

    path: str
    value: float | int
    formula: str


@dataclass(frozen=True)
class Schedule:
    """Steps, batch size and learning rate of a run: the values, and what is odd about them."""

    values: tuple[DerivedValue, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class _Scale:
    """By how much rates and steps change against the base, with the words for it."""

    rate: float
    rate_words: str
    steps: float
    steps_words: str

    def rate_of(self, path: str, base: float, what: str) -> DerivedValue:
        return DerivedValue(
            path,
            shortest(shortest(base) * self.rate),
            f"base {what} {shortest(base):g} x {self.rate_words}",
        )

    def steps_of(self, path: str, base: int, what: str, least: int = 0) -> DerivedValue:
        value = max(least, round(base * self.steps))
        return DerivedValue(path, value, f"base {what} {base} x {self.steps_words}, rounded")


def shortest(value: float) -> float:
    """The decimal that a 32-bit float of a config was written as: 0.08, not 0.07999999821."""
    return float(str(np.float32(value)))


def derive_schedule(base: pb.TrainConfig, parameters: TrainingParameters) -> Schedule:
    """Derives steps, batch size and every value of the base's learning-rate schedule.

    Args:
        base: The base's ``train_config``; its optimizer is the one that the run uses.
        parameters: What the run asks for.

    Raises:
        ConfigError: No steps, parameters that do not fit the base's kind of schedule, or a base without an
            optimizer or a schedule.
    """
    steps = _num_steps(base, parameters)
    batch = _batch_size(base, parameters)
    path, kind, schedule = learning_rate_of(base)
    scale, warnings = _scale(base, parameters, kind, schedule, int(steps.value), int(batch.value))
    values = _BY_KIND[kind](schedule, path, parameters, scale, int(steps.value))
    return Schedule((steps, batch, *values), tuple(warnings))


def learning_rate_of(train: pb.TrainConfig) -> tuple[str, str, Message]:
    """The path of the schedule's message, its kind and the message itself.

    Raises:
        ConfigError: There is no optimizer or no schedule.
    """
    optimizer = train.optimizer.WhichOneof("optimizer")
    if optimizer is None:
        raise ConfigError(
            "The base config has no optimizer.",
            field="train_config.optimizer",
            expected="momentum_optimizer, adam_optimizer or rms_prop_optimizer",
        )
    rate = getattr(train.optimizer, optimizer).learning_rate
    kind = rate.WhichOneof("learning_rate")
    if kind is None:
        raise ConfigError(
            "The base config has no learning-rate schedule.",
            field=f"train_config.optimizer.{optimizer}.learning_rate",
            expected="one of " + ", ".join(_BY_KIND),
        )
    return f"train_config.optimizer.{optimizer}.learning_rate.{kind}", kind, getattr(rate, kind)


def _num_steps(base: pb.TrainConfig, parameters: TrainingParameters) -> DerivedValue:
    if parameters.num_steps is not None:
        steps, words = parameters.num_steps, "given"
    else:
        steps, words = base.num_steps, "as in the base config; num_steps is not given"
    if steps < 1:
        raise ConfigError(
            "The training has no steps.",
            field="num_steps",
            found=f"no num_steps in the parameters, and {base.num_steps} in the base config"
            if parameters.num_steps is None
            else steps,
            expected="1 or more",
            mend='give it in the training parameters: {"num_steps": 2000}',
        )
    return DerivedValue("train_config.num_steps", steps, words)


def _batch_size(base: pb.TrainConfig, parameters: TrainingParameters) -> DerivedValue:
    if parameters.batch_size:
        return DerivedValue("train_config.batch_size", parameters.batch_size, "given")
    if base.batch_size < 1:
        raise ConfigError("The batch has no images.", field="train_config.batch_size", found=base.batch_size)
    return DerivedValue(
        "train_config.batch_size", base.batch_size, "as in the base config; batch_size is not given"
    )


def _first_rate(kind: str, schedule: Message) -> float:
    name = {
        "constant_learning_rate": "learning_rate",
        "cosine_decay_learning_rate": "learning_rate_base",
    }.get(kind, "initial_learning_rate")
    return shortest(getattr(schedule, name))


def _scale(
    base: pb.TrainConfig, parameters: TrainingParameters, kind: str, schedule: Message, steps: int, batch: int
) -> tuple[_Scale, list[str]]:
    base_rate = _first_rate(kind, schedule)
    linear = batch / base.batch_size if base.batch_size else 1.0
    rate, words = linear, f"batch {batch} / base batch {base.batch_size}"
    warnings = []
    if parameters.learning_rate:
        rate = parameters.learning_rate / base_rate
        words = f"given rate {parameters.learning_rate:g} / base rate {base_rate:g}"
        derived = base_rate * linear
        off = max(parameters.learning_rate / derived, derived / parameters.learning_rate)
        if off > _RATE_CONTRADICTS:
            warnings.append(
                f"learning_rate {parameters.learning_rate:g} was given; linear scaling gives {derived:.4g} "
                f"(base rate {base_rate:g} x batch {batch} / base batch {base.batch_size})."
            )
    base_steps = schedule.total_steps if isinstance(schedule, pb.CosineDecayLearningRate) else base.num_steps
    if base_steps < 1:
        return _Scale(rate, words, 1.0, "1 (the base has no num_steps)"), warnings
    return _Scale(rate, words, steps / base_steps, f"steps {steps} / base steps {base_steps}"), warnings


def _rate(path: str, base: float, what: str, parameters: TrainingParameters, scale: _Scale) -> DerivedValue:
    """The highest rate: given, or scaled."""
    if parameters.learning_rate:
        return DerivedValue(path, parameters.learning_rate, "given")
    return scale.rate_of(path, base, what)


def _steps(path: str, base: int, what: str, given: int, scale: _Scale, least: int = 0) -> DerivedValue:
    return DerivedValue(path, given, "given") if given >= least else scale.steps_of(path, base, what, least)


def _cosine(
    schedule: pb.CosineDecayLearningRate, path: str, parameters: TrainingParameters, scale: _Scale, steps: int
) -> list[DerivedValue]:
    warmup_rate_path = f"{path}.warmup_learning_rate"
    rate = _rate(f"{path}.learning_rate_base", schedule.learning_rate_base, "rate", parameters, scale)
    warmup_rate = scale.rate_of(warmup_rate_path, schedule.warmup_learning_rate, "warm-up rate")
    if parameters.warmup_learning_rate >= 0:
        warmup_rate = DerivedValue(warmup_rate_path, parameters.warmup_learning_rate, "given")
    values = [rate, warmup_rate]
    values.append(
        _steps(f"{path}.warmup_steps", schedule.warmup_steps, "warm-up", parameters.warmup_steps, scale)
    )
    if parameters.decay_steps:
        values.append(DerivedValue(f"{path}.total_steps", parameters.decay_steps, "given"))
    else:
        values.append(
            DerivedValue(f"{path}.total_steps", steps, "num_steps: the rate reaches 0 as training ends")
        )
    if schedule.hold_base_rate_steps:
        values.append(scale.steps_of(f"{path}.hold_base_rate_steps", schedule.hold_base_rate_steps, "hold"))
    return values


def _constant(
    schedule: pb.ConstantLearningRate, path: str, parameters: TrainingParameters, scale: _Scale, steps: int
) -> list[DerivedValue]:
    _refuse(parameters, "a constant rate", "warmup_steps", "warmup_learning_rate", "decay_steps")
    return [_rate(f"{path}.learning_rate", schedule.learning_rate, "rate", parameters, scale)]


def _exponential(
    schedule: pb.ExponentialDecayLearningRate,
    path: str,
    parameters: TrainingParameters,
    scale: _Scale,
    steps: int,
) -> list[DerivedValue]:
    values = [
        _rate(f"{path}.initial_learning_rate", schedule.initial_learning_rate, "rate", parameters, scale),
        _steps(
            f"{path}.decay_steps",
            schedule.decay_steps,
            "decay interval",
            parameters.decay_steps,
            scale,
            least=1,
        ),
    ]
    if schedule.burnin_steps or parameters.warmup_steps >= 0:
        values.append(
            _steps(f"{path}.burnin_steps", schedule.burnin_steps, "burn-in", parameters.warmup_steps, scale)
        )
    if parameters.warmup_learning_rate >= 0:
        values.append(DerivedValue(f"{path}.burnin_learning_rate", parameters.warmup_learning_rate, "given"))
    elif schedule.burnin_learning_rate:
        values.append(
            scale.rate_of(f"{path}.burnin_learning_rate", schedule.burnin_learning_rate, "burn-in rate")
        )
    if schedule.min_learning_rate:
        values.append(scale.rate_of(f"{path}.min_learning_rate", schedule.min_learning_rate, "smallest rate"))
    return values


def _manual(
    schedule: pb.ManualStepLearningRate, path: str, parameters: TrainingParameters, scale: _Scale, steps: int
) -> list[DerivedValue]:
    _refuse(parameters, "a manual schedule", "warmup_steps", "warmup_learning_rate", "decay_steps")
    values = [
        _rate(f"{path}.initial_learning_rate", schedule.initial_learning_rate, "rate", parameters, scale)
    ]
    for index, entry in enumerate(schedule.schedule):
        values.append(scale.steps_of(f"{path}.schedule[{index}].step", entry.step, "step", least=1))
        values.append(scale.rate_of(f"{path}.schedule[{index}].learning_rate", entry.learning_rate, "rate"))
    return values


def _refuse(parameters: TrainingParameters, schedule: str, *names: str) -> None:
    """Refuses parameters that the base's kind of schedule has no place for."""
    defaults = TrainingParameters()
    for name in names:
        if getattr(parameters, name) != getattr(defaults, name):
            raise ConfigError(
                f"The base config has {schedule}, which {name} does not fit.",
                field=name,
                found=getattr(parameters, name),
                mend=f"leave {name} out, or override the schedule with a cosine_decay_learning_rate",
            )


_BY_KIND: dict[str, Callable[..., list[DerivedValue]]] = {
    "constant_learning_rate": _constant,
    "exponential_decay_learning_rate": _exponential,
    "manual_step_learning_rate": _manual,
    "cosine_decay_learning_rate": _cosine,
}
