"""Fields outside of ``model`` that are right alone and wrong together (OD_API_SPEC sections 8 to 10)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from detection.config import pipeline_pb2 as pb
from detection.config.support_rules import Problem

_OPTIMIZERS = "train_config.optimizer"


def training_contradictions(config: pb.TrainEvalPipelineConfig) -> Iterator[Problem]:
    """Every contradiction between the fields of ``train_config`` and of the input readers."""
    if config.HasField("train_config"):
        train = config.train_config
        yield from _length(train)
        yield from _checkpoint(train)
        yield from _optimizer(train)
        yield from _max_boxes(config)
        for index, step in enumerate(train.data_augmentation_options):
            yield from _augmentation(step, f"train_config.data_augmentation_options[{index}]")
    for index, reader in enumerate(config.eval_input_reader):
        if reader.sample_1_of_n_examples != 1:
            path = f"eval_input_reader[{index}].sample_1_of_n_examples"
            yield Problem(path, str(reader.sample_1_of_n_examples), "1: every example is evaluated")


def _length(train: pb.TrainConfig) -> Iterator[Problem]:
    if not train.HasField("num_steps"):
        yield Problem("train_config.num_steps", "nothing", "1 or more: training must end")


def _checkpoint(train: pb.TrainConfig) -> Iterator[Problem]:
    """A checkpoint needs version V2; the default is another one."""
    if not train.fine_tune_checkpoint:
        return
    if train.fine_tune_checkpoint_version != pb.V2:
        found = pb.CheckpointVersion.Name(train.fine_tune_checkpoint_version)
        unset = "" if train.HasField("fine_tune_checkpoint_version") else ", the default"
        path = "train_config.fine_tune_checkpoint_version"
        yield Problem(path, found + unset, "V2, for checkpoints of TensorFlow 2")


def _optimizer(train: pb.TrainConfig) -> Iterator[Problem]:
    kind = train.optimizer.WhichOneof("optimizer")
    if kind is None:
        yield Problem(
            _OPTIMIZERS, "no optimizer", "one of momentum_optimizer, adam_optimizer, rms_prop_optimizer"
        )
        return
    path = f"{_OPTIMIZERS}.{kind}.learning_rate"
    rate = getattr(train.optimizer, kind).learning_rate
    schedule = rate.WhichOneof("learning_rate")
    if schedule is None:
        yield Problem(path, "no schedule", "one of " + ", ".join(f.name for f in rate.DESCRIPTOR.fields))
    elif schedule == "cosine_decay_learning_rate":
        yield from _cosine(rate.cosine_decay_learning_rate, f"{path}.{schedule}")
    elif schedule == "manual_step_learning_rate":
        yield from _manual(rate.manual_step_learning_rate, f"{path}.{schedule}")


def _cosine(cosine: pb.CosineDecayLearningRate, path: str) -> Iterator[Problem]:
    taken = cosine.warmup_steps + cosine.hold_base_rate_steps
    if cosine.total_steps < cosine.warmup_steps:
        yield Problem(
            f"{path}.total_steps", str(cosine.total_steps), f"at least warmup_steps ({cosine.warmup_steps})"
        )
    elif cosine.total_steps <= taken:
        yield Problem(
            f"{path}.total_steps", str(cosine.total_steps), f"more than warm-up and hold together ({taken})"
        )
    if cosine.warmup_steps > 0 and cosine.learning_rate_base < cosine.warmup_learning_rate:
        yield Problem(
            f"{path}.warmup_learning_rate",
            f"{cosine.warmup_learning_rate:.7g}",
            f"at most learning_rate_base ({cosine.learning_rate_base:.7g})",
        )


def _manual(manual: pb.ManualStepLearningRate, path: str) -> Iterator[Problem]:
    if not manual.schedule:
        yield Problem(f"{path}.schedule", "nothing", "one or more { step: ... learning_rate: ... }")
    steps = [entry.step for entry in manual.schedule]
    if any(later <= earlier for earlier, later in itertools.pairwise(steps)):
        yield Problem(f"{path}.schedule", f"steps {steps}", "steps that rise from each entry to the next")


def _max_boxes(config: pb.TrainEvalPipelineConfig) -> Iterator[Problem]:
    train = config.train_config
    if not train.HasField("max_number_of_boxes"):
        return
    reader = config.train_input_reader.max_number_of_boxes
    if train.max_number_of_boxes != reader:
        yield Problem(
            "train_config.max_number_of_boxes",
            str(train.max_number_of_boxes),
            f"the same number as train_input_reader.max_number_of_boxes ({reader}), the one that counts",
        )


def _augmentation(step: pb.PreprocessingStep, path: str) -> Iterator[Problem]:
    name = step.WhichOneof("preprocessing_step")
    if name is None:
        yield Problem(path, "an empty message", "one augmentation")
        return
    options = getattr(step, name)
    known = options.DESCRIPTOR.fields_by_name
    for low in known:
        high = low.replace("min", "max", 1)
        if low.startswith("min") and high in known and getattr(options, low) > getattr(options, high):
            found = f"{getattr(options, low):g}"
            yield Problem(f"{path}.{name}.{low}", found, f"at most {high} ({getattr(options, high):g})")
