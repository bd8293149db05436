"""Overrides by field path: right types only, and errors that name the path."""

from __future__ import annotations

from typing import Any

import pytest

from components.config_generation.field_paths import get_field, set_field
from detection.config import pipeline_pb2 as pb
from detection.errors import ConfigError


@pytest.fixture
def config() -> pb.TrainEvalPipelineConfig:
    made = pb.TrainEvalPipelineConfig()
    made.train_config.data_augmentation_options.add().random_horizontal_flip.SetInParent()
    return made


@pytest.mark.parametrize(
    ("path", "value", "reads"),
    [
        ("model.ssd.num_classes", 4, 4),
        ("model.ssd.loss.classification_weight", 2, 2.0),
        ("model.ssd.feature_extractor.type", "x", "x"),
        ("model.ssd.freeze_batchnorm", True, True),
        ("train_config.fine_tune_checkpoint_version", "V2", pb.V2),
        ("model.ssd.anchor_generator.multiscale_anchor_generator.aspect_ratios", [1.0, 2.0], [1.0, 2.0]),
        ("train_config.data_augmentation_options[0].random_horizontal_flip.probability", 0.25, 0.25),
        ("eval_config.metrics_set", [], []),
    ],
)
def test_set_and_get(config: pb.TrainEvalPipelineConfig, path: str, value: Any, reads: Any) -> None:
    set_field(config, path, value)
    assert get_field(config, path) == reads


def test_a_message_takes_text_and_switches_a_oneof(config: pb.TrainEvalPipelineConfig) -> None:
    set_field(config, "model.ssd.image_resizer", "fixed_shape_resizer { height: 320 }")
    set_field(config, "model.ssd.image_resizer.keep_aspect_ratio_resizer", "min_dimension: 5")
    assert config.model.ssd.image_resizer.WhichOneof("image_resizer_oneof") == "keep_aspect_ratio_resizer"
    set_field(config, "model.ssd.similarity_calculator.iou_similarity", "")
    assert config.model.ssd.similarity_calculator.HasField("iou_similarity")


def test_a_list_of_messages_is_replaced(config: pb.TrainEvalPipelineConfig) -> None:
    path = "train_config.data_augmentation_options"
    set_field(config, path, ["random_black_patches {}", "random_adjust_hue {}"])
    names = [step.WhichOneof("preprocessing_step") for step in config.train_config.data_augmentation_options]
    assert names == ["random_black_patches", "random_adjust_hue"]
    set_field(config, path, [])
    assert len(config.train_config.data_augmentation_options) == 0


def test_none_removes(config: pb.TrainEvalPipelineConfig) -> None:
    config.model.ssd.loss.hard_example_miner.SetInParent()
    set_field(config, "model.ssd.loss.hard_example_miner", None)
    assert not config.model.ssd.loss.HasField("hard_example_miner")


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("", 1, "no such field"),
        ("model.ssd.los.classification_weight", 1, "perhaps loss"),
        ("model.ssd.num_classes.x", 1, "below a plain value"),
        ("model.ssd.num_classes[0]", 1, "one element"),
        ("train_config.data_augmentation_options.random_horizontal_flip", "", "[0]"),
        ("train_config.data_augmentation_options[3].random_horizontal_flip", "", "no such element"),
        ("train_config[0].num_steps", 1, "no list"),
        ("model.ssd.num_classes", "4", "a whole number"),
        ("model.ssd.num_classes", 4.5, "a whole number"),
        ("model.ssd.num_classes", True, "a whole number"),
        ("model.ssd.num_classes", 2**40, "a whole number"),
        ("train_config.num_steps", -1, "0 or more"),
        ("model.ssd.freeze_batchnorm", 1, "true or false"),
        ("model.ssd.feature_extractor.type", 3, "text"),
        ("model.ssd.loss.classification_weight", "2", "a number"),
        ("model.ssd.loss.classification_weight", float("nan"), "a finite number"),
        ("train_config.fine_tune_checkpoint_version", "V3", "UNKNOWN, V1, V2"),
        ("model.ssd.loss", {"classification_weight": 2}, "text proto"),
        ("model.ssd.loss", "classification_wait: 2", "perhaps classification_weight"),
        ("eval_config.metrics_set", "coco", "a list"),
        ("eval_config.metrics_set", [1], "text"),
        ("train_config.data_augmentation_options", ["random_flip {}"], "random_"),
        ("train_config.data_augmentation_options", "random_flip {}", "list of text protos"),
    ],
)
def test_refused(config: pb.TrainEvalPipelineConfig, path: str, value: Any, said: str) -> None:
    before = pb.TrainEvalPipelineConfig()
    before.CopyFrom(config)
    with pytest.raises(ConfigError) as caught:
        set_field(config, path, value)
    assert said in str(caught.value)
