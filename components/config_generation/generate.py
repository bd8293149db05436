"""From a base config, the validated data and a run's parameters to one complete ``pipeline.config``."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from components.config_generation.augmentation import named_augmentation
from components.config_generation.derive import derive_schedule
from components.config_generation.field_paths import get_field, set_field
from components.config_generation.parameters import TrainingParameters
from components.config_generation.schedule_check import check_schedule
from components.data_validation.manifest import Manifest
from detection.config import pipeline_pb2 as pb
from detection.config.supported import check_supported
from detection.errors import ConfigError

_NUM_CLASSES = "model.ssd.num_classes"
_CHECKPOINT = "train_config.fine_tune_checkpoint"
_SUPPRESSION = "model.ssd.post_processing.batch_non_max_suppression"


@dataclass(frozen=True)
class GeneratedConfig:
    """A complete config and how it came about.

    Attributes:
        base: The config that it started from, unchanged.
        config: The complete config; what is not supported has been refused.
        reasons: Why a field was set, by its full path (a message's path stands for all below it).
        warnings: What is odd although it can be trained, in words.
        notes: Fields of the base that have no effect, in words.
    """

    base: pb.TrainEvalPipelineConfig
    config: pb.TrainEvalPipelineConfig
    reasons: dict[str, str]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass
class _Draft:
    """The config in the making: each change comes with its reason."""

    config: pb.TrainEvalPipelineConfig
    reasons: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def set(self, path: str, value: Any, why: str) -> None:
        set_field(self.config, path, value)
        self.reasons[path] = why


def generate_config(
    base: pb.TrainEvalPipelineConfig,
    manifest: Manifest,
    parameters: TrainingParameters,
    fine_tune_checkpoint: str = "",
    fine_tune_checkpoint_type: str = "detection",
    source: str = "the base config",
) -> GeneratedConfig:
    """Makes a complete config.

    Args:
        base: The config to start from; it is not changed.
        manifest: The validated data: its shards go into the input readers, its label map sets the classes.
        parameters: What the run asks for.
        fine_tune_checkpoint: What to start from; '' trains from scratch.
        fine_tune_checkpoint_type: classification, detection or full.
        source: What errors call the base config.

    Raises:
        ConfigError: A parameter, an override or the result is not usable; names the field.
        DataError: The manifest lacks the train or the eval split.
    """
    draft = _Draft(pb.TrainEvalPipelineConfig())
    draft.config.CopyFrom(base)
    if base.model.WhichOneof("model") == "ssd":
        _set_classes(draft, manifest, parameters)
        _set_image_size(draft, parameters)
        _set_detections(draft, parameters)
    _set_optimizer(draft, parameters)
    _set_schedule(draft, parameters, manifest)
    _set_augmentation(draft, parameters)
    _set_checkpoint(draft, fine_tune_checkpoint, fine_tune_checkpoint_type)
    _set_readers(draft, manifest)
    _set_max_boxes(draft, parameters)
    for path, value in parameters.overrides.items():
        draft.set(path, value, "override of this run")
    _check_classes(draft.config, manifest)
    draft.warnings += check_schedule(draft.config.train_config)
    notes = check_supported(draft.config, source)
    return GeneratedConfig(base, draft.config, draft.reasons, tuple(draft.warnings), tuple(notes))


def _set_classes(draft: _Draft, manifest: Manifest, parameters: TrainingParameters) -> None:
    names = {item.id: item.name for item in manifest.label_map.items if item.id > 0}
    if not names:
        raise ConfigError("The label map has no classes.", file=manifest.label_map.uri)
    largest = max(names)
    listed = ", ".join(f"{number} {names[number]}" for number in sorted(names))
    unused = sorted(set(range(1, largest)) - set(names))
    words = f"largest id of the label map ({listed})"
    if unused:
        words += f"; {', '.join(map(str, unused))} stays unused"
    if parameters.num_classes:
        words = f"given; the {words}"
    draft.set(_NUM_CLASSES, parameters.num_classes or largest, words)
    for number, boxes in manifest.split("train").boxes_by_class.items():
        if boxes == 0:
            draft.warnings.append(f"class {number} {names.get(number, '')} has no box in the training data.")


def _check_classes(config: pb.TrainEvalPipelineConfig, manifest: Manifest) -> None:
    """Refuses a model that has no output for a class: its boxes would silently train as background."""
    found = config.model.ssd.num_classes
    lost = sorted((item.id, item.name) for item in manifest.label_map.items if item.id > found)
    if config.model.WhichOneof("model") == "ssd" and lost:
        ids = ", ".join(f"id {number} ({name})" for number, name in lost)
        raise ConfigError(
            f"num_classes is too small for the label map: {ids} would silently train as background.",
            file=manifest.label_map.uri,
            field=_NUM_CLASSES,
            found=f"num_classes {found}, largest id {lost[-1][0]}",
            expected=f"num_classes {lost[-1][0]} or more: a class's output is number id - 1",
            mend=f"set num_classes to {lost[-1][0]}, or to 0 to derive it",
        )


def _set_image_size(draft: _Draft, parameters: TrainingParameters) -> None:
    size = parameters.image_size
    if not size:
        return
    kind = draft.config.model.ssd.image_resizer.WhichOneof("image_resizer_oneof")
    names = {
        "fixed_shape_resizer": ("height", "width"),
        "keep_aspect_ratio_resizer": ("min_dimension", "max_dimension"),
    }.get(kind or "")
    if names is None:
        raise ConfigError(
            "The base config's resizer has no size to set.",
            field="image_size",
            found=kind,
            expected="fixed_shape_resizer or keep_aspect_ratio_resizer",
        )
    for name in names:
        draft.set(f"model.ssd.image_resizer.{kind}.{name}", size, f"image_size {size}")


def _set_detections(draft: _Draft, parameters: TrainingParameters) -> None:
    if parameters.max_detections:
        for name in ("max_detections_per_class", "max_total_detections"):
            draft.set(f"{_SUPPRESSION}.{name}", parameters.max_detections, "max_detections")


def _set_optimizer(draft: _Draft, parameters: TrainingParameters) -> None:
    optimizer = draft.config.train_config.optimizer
    wanted = f"{parameters.optimizer}_optimizer"
    found = optimizer.WhichOneof("optimizer")
    if not parameters.optimizer or wanted == found:
        return
    if not parameters.learning_rate:
        raise ConfigError(
            "Another optimizer needs a learning rate of its own.",
            field="learning_rate",
            found=f"optimizer {parameters.optimizer}, and no learning_rate; the base config has {found}",
            mend="give a learning_rate with the optimizer",
        )
    rate = pb.LearningRate()
    if found:
        rate.CopyFrom(getattr(optimizer, found).learning_rate)
    getattr(optimizer, wanted).learning_rate.CopyFrom(rate)
    draft.reasons[f"train_config.optimizer.{wanted}"] = f"optimizer {parameters.optimizer}"
    draft.reasons[f"train_config.optimizer.{found}"] = f"optimizer {parameters.optimizer} takes its place"


def _set_schedule(draft: _Draft, parameters: TrainingParameters, manifest: Manifest) -> None:
    schedule = derive_schedule(draft.config.train_config, parameters)
    for derived in schedule.values:
        draft.set(derived.path, derived.value, derived.formula)
    draft.warnings += schedule.warnings
    train = draft.config.train_config
    records = manifest.split("train").records
    seen = train.num_steps * train.batch_size
    if records and seen < records:
        draft.warnings.append(
            f"{train.num_steps} steps of {train.batch_size} images see {seen} images, "
            f"which is not all of the {records} that there are."
        )
    if records and train.batch_size > records:
        draft.warnings.append(
            f"a batch of {train.batch_size} is more than the {records} images that there are."
        )


def passes_over_data(config: pb.TrainEvalPipelineConfig, manifest: Manifest) -> float:
    """How often training sees each image, on average; NaN without images."""
    records = manifest.split("train").records
    return config.train_config.num_steps * config.train_config.batch_size / records if records else math.nan


def _set_augmentation(draft: _Draft, parameters: TrainingParameters) -> None:
    if parameters.augmentation == "base":
        return
    steps, why = named_augmentation(parameters.augmentation)
    options = draft.config.train_config.data_augmentation_options
    del options[:]
    options.extend(steps)
    draft.reasons["train_config.data_augmentation_options"] = why


def _set_checkpoint(draft: _Draft, checkpoint: str, kind: str) -> None:
    train = draft.config.train_config
    for name in ("from_detection_checkpoint", "fine_tune_checkpoint", "fine_tune_checkpoint_type"):
        if train.HasField(name):
            draft.set(f"train_config.{name}", None, "replaced by what this run starts from")
    if not checkpoint:
        draft.warnings.append("no checkpoint is given: training starts from random weights.")
        return
    draft.set(_CHECKPOINT, checkpoint, "what this run starts from")
    draft.set(f"{_CHECKPOINT}_type", kind, "what is taken from the checkpoint")
    draft.set(f"{_CHECKPOINT}_version", "V2", "a checkpoint of TensorFlow 2")


def _set_readers(draft: _Draft, manifest: Manifest) -> None:
    config = draft.config
    if not config.eval_input_reader:
        config.eval_input_reader.add()
    elif len(config.eval_input_reader) > 1:
        del config.eval_input_reader[1:]
        draft.warnings.append("the base config has several eval_input_reader; the first one is used.")
    draft.reasons["eval_input_reader"] = "the validated evaluation data is the only one"
    for reader, split in (("train_input_reader", "train"), ("eval_input_reader[0]", "eval")):
        uris = manifest.split(split).uris
        if not uris:
            raise ConfigError(f"The manifest has no {split} shards.", field=f"splits.{split}.shards")
        get_field(config, reader).ClearField("external_input_reader")
        draft.set(f"{reader}.tf_record_input_reader.input_path", uris, f"the {split} shards of the manifest")
        draft.set(f"{reader}.label_map_path", manifest.label_map.uri, "the manifest's label map")
        draft.reasons[f"{reader}.external_input_reader"] = "the manifest's shards take its place"
    draft.set("eval_input_reader[0].shuffle", False, "evaluation reads in order")
    draft.set("eval_input_reader[0].num_epochs", 1, "evaluation reads once")


def _set_max_boxes(draft: _Draft, parameters: TrainingParameters) -> None:
    """One number for the labelled boxes of an image: the OD API clips at four places, silently."""
    train = draft.config.train_config
    number, why = parameters.max_boxes, "max_boxes"
    if not number and train.HasField("max_number_of_boxes"):
        number, why = train.max_number_of_boxes, "train_config.max_number_of_boxes, which the OD API ignores"
        if draft.config.train_input_reader.HasField("max_number_of_boxes"):
            number, why = draft.config.train_input_reader.max_number_of_boxes, "as train_input_reader has it"
    if not number:
        return
    for path in ("train_input_reader", "eval_input_reader[0]"):
        draft.set(f"{path}.max_number_of_boxes", number, why)
    if train.HasField("max_number_of_boxes"):
        draft.set("train_config.max_number_of_boxes", number, why)
