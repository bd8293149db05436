"""What is not honoured is refused by its full path, and everything at once (DESIGN decision D1)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.config_generation.field_paths import set_field
from detection.config import pipeline_pb2 as pb
from detection.config.model_support import FEATURE_EXTRACTORS
from detection.config.reading import load_pipeline_config, parse_pipeline_config
from detection.config.support_table import SUPPORTED
from detection.config.supported import check_supported
from detection.config.training_support import AUGMENTATIONS
from detection.errors import ConfigError

PREDICTOR = "model.ssd.box_predictor.weight_shared_convolutional_box_predictor"
COSINE = "train_config.optimizer.momentum_optimizer.learning_rate.cosine_decay_learning_rate"
NMS = "model.ssd.post_processing.batch_non_max_suppression"


@pytest.fixture
def config(project_root: Path) -> pb.TrainEvalPipelineConfig:
    return load_pipeline_config(project_root / "configs/models/demo_mobilenet_v2_fpnlite_320x320.config")


def refusal(config: pb.TrainEvalPipelineConfig) -> str:
    with pytest.raises(ConfigError) as caught:
        check_supported(config, "team.config")
    assert "team.config" in str(caught.value)
    return str(caught.value)


def test_the_table_names_only_fields_that_exist() -> None:
    for message, fields in SUPPORTED.items():
        descriptor = pb.DESCRIPTOR.pool.FindMessageTypeByName("object_detection.protos." + message)
        assert set(fields) <= set(descriptor.fields_by_name), message


def test_each_augmentation_has_a_function_and_a_message_in_the_table() -> None:
    registry = pytest.importorskip("detection.input.augmentation.registry")
    assert set(AUGMENTATIONS) <= set(registry.AUGMENTATIONS)
    for name in AUGMENTATIONS:
        assert pb.PreprocessingStep.DESCRIPTOR.fields_by_name[name].message_type.name in SUPPORTED


def test_each_feature_extractor_is_built_by_the_network() -> None:
    preprocessing = pytest.importorskip("detection.network.preprocessing")
    assert set(FEATURE_EXTRACTORS) <= set(preprocessing.EXTRACTOR_TYPES)


def test_a_base_passes_without_warnings(config: pb.TrainEvalPipelineConfig) -> None:
    assert check_supported(config) == []


def test_golden_configs_warn_only_about_what_has_no_effect(shared_dir: Path) -> None:
    for name in ("mobilenet", "mobilenet_small", "resnet50_small"):
        warnings = check_supported(load_pipeline_config(shared_dir / "golden" / name / "pipeline.config"))
        assert len(warnings) == 1
        assert warnings[0].startswith("model.ssd.inplace_batchnorm_update has no effect")


# Field, value, and what the refusal says besides the path.
REFUSED: list[tuple[str, Any, str]] = [
    ("model.ssd.feature_extractor.type", "ssd_efficientnet-b0_bifpn_keras", "ssd_mobilenet_v2_fpn_keras"),
    ("model.ssd.feature_extractor.bifpn", "num_filters: 64", "one of fpn"),
    ("model.ssd.feature_extractor.replace_preprocessor_with_placeholder", True, "false"),
    ("model.ssd.feature_extractor.conv_hyperparams.op", "FC", "CONV"),
    ("model.ssd.feature_extractor.conv_hyperparams.group_norm", "", "one of batch_norm"),
    ("model.ssd.feature_extractor.conv_hyperparams.sync_batch_norm", "", "one of batch_norm"),
    ("model.ssd.feature_extractor.conv_hyperparams.regularizer", "l1_regularizer {}", "l2_regularizer"),
    ("model.ssd.feature_extractor.conv_hyperparams.batch_norm.decay", 1.5, "from 0 to 1"),
    ("model.ssd.feature_extractor.depth_multiplier", 0.0, "greater than 0"),
    ("model.ssd.num_classes", 0, "1 or more"),
    ("model.ssd.image_resizer", "identity_resizer {}", "fixed_shape_resizer"),
    ("model.ssd.image_resizer.fixed_shape_resizer.convert_to_grayscale", True, "false"),
    (
        "model.ssd.box_predictor",
        "convolutional_box_predictor {}",
        "weight_shared_convolutional_box_predictor",
    ),
    (f"{PREDICTOR}.box_code_size", 7, "only 4"),
    (f"{PREDICTOR}.apply_conv_hyperparams_to_heads", True, "false"),
    (f"{PREDICTOR}.dropout_keep_probability", 1.5, "from 0 to 1"),
    ("model.ssd.anchor_generator", "ssd_anchor_generator {}", "multiscale_anchor_generator"),
    ("model.ssd.box_coder", "square_box_coder {}", "faster_rcnn_box_coder"),
    ("model.ssd.matcher", "bipartite_matcher {}", "argmax_matcher"),
    ("model.ssd.similarity_calculator", "ioa_similarity {}", "iou_similarity"),
    ("model.ssd.loss.hard_example_miner", "", "leave the field out"),
    ("model.ssd.loss.random_example_sampler", "", "leave the field out"),
    ("model.ssd.loss.equalization_loss", "", "leave the field out"),
    ("model.ssd.loss.expected_loss_weights", "EXPECTED_SAMPLING", "NONE"),
    ("model.ssd.loss.localization_loss", "weighted_giou {}", "weighted_l2, weighted_smooth_l1"),
    ("model.ssd.loss.classification_loss", "weighted_softmax {}", "weighted_sigmoid, weighted_sigmoid_focal"),
    ("model.ssd.post_processing.calibration_config", "", "leave the field out"),
    (f"{NMS}.iou_threshold", 1.5, "from 0 to 1"),
    (f"{NMS}.use_static_shapes", True, "false"),
    (f"{NMS}.max_classes_per_detection", 2, "only 1"),
    ("model.ssd.mask_head_config", "", "leave the field out"),
    ("model.ssd.use_confidences_as_targets", True, "false"),
    ("graph_rewriter", "quantization {}", "leave the field out"),
    ("model.ssd.feature_extractor.pad_to_multiple", 0, "1 or more"),
    ("train_config.batch_size", 0, "1 or more"),
    ("train_config.num_steps", 0, "1 or more"),
    ("train_config.fine_tune_checkpoint_type", "fine_tune", "'classification', 'detection', 'full'"),
    ("train_config.use_bfloat16", True, "false"),
    ("train_config.load_all_detection_checkpoint_vars", True, "false"),
    ("train_config.merge_multiple_label_boxes", True, "false"),
    ("train_config.use_multiclass_scores", True, "false"),
    ("train_config.optimizer.use_moving_average", True, "false"),
    ("train_config.gradient_clipping_by_norm", -1.0, "0 or more"),
    (f"{COSINE}.learning_rate_base", 0.0, "greater than 0"),
    ("train_config.data_augmentation_options", ["random_jitter_boxes {}"], "random_horizontal_flip"),
    ("train_config.data_augmentation_options", ["autoaugment_image {}"], "random_black_patches"),
    ("train_input_reader.load_instance_masks", True, "false"),
    ("train_input_reader.load_multiclass_scores", True, "false"),
    ("train_input_reader.num_additional_channels", 1, "only 0"),
    ("train_input_reader.input_type", "TF_SEQUENCE_EXAMPLE", "TF_EXAMPLE"),
    ("train_input_reader.sample_from_datasets_weights", [1.0, 2.0], "leave the field out"),
    ("train_input_reader.external_input_reader", "", "tf_record_input_reader"),
    ("eval_config.metrics_set", ["pascal_voc_detection_metrics"], "coco_detection_metrics"),
    ("eval_config.use_moving_averages", True, "false"),
    ("eval_config.parameterized_metric", [""], "leave the field out"),
    ("eval_config.super_categories", None, ""),
    ("model", "faster_rcnn {}", "one of ssd"),
    ("model", "center_net {}", "one of ssd"),
]


@pytest.mark.parametrize(
    ("path", "value", "said"), REFUSED, ids=[f"{path}={value}" for path, value, _ in REFUSED]
)
def test_refused_by_full_path(config: pb.TrainEvalPipelineConfig, path: str, value: Any, said: str) -> None:
    if path == "eval_config.super_categories":
        config.eval_config.super_categories["a"] = "b"
    else:
        set_field(config, path, value)
    message = refusal(config)
    assert path in message
    assert said in message


# Pairs of fields that are right alone: what is set, and the path that the refusal names.
CONTRADICTIONS: list[tuple[dict[str, Any], str]] = [
    ({f"{NMS}.max_detections_per_class": 200}, f"{NMS}.max_detections_per_class"),
    ({f"{NMS}.use_combined_nms": True}, f"{NMS}.change_coordinate_frame"),
    (
        {"model.ssd.matcher.argmax_matcher.unmatched_threshold": 0.6},
        "model.ssd.matcher.argmax_matcher.unmatched_threshold",
    ),
    (
        {"model.ssd.matcher.argmax_matcher.negatives_lower_than_unmatched": False},
        "model.ssd.matcher.argmax_matcher.unmatched_threshold",
    ),
    ({"model.ssd.post_processing.score_converter": None}, "model.ssd.post_processing.score_converter"),
    ({f"{PREDICTOR}.score_converter": "SIGMOID"}, "model.ssd.post_processing.score_converter"),
    ({f"{PREDICTOR}.depth": 0}, f"{PREDICTOR}.depth"),
    ({f"{PREDICTOR}.box_encodings_clip_range": "min: 1 max: -1"}, f"{PREDICTOR}.box_encodings_clip_range"),
    (
        {"model.ssd.feature_extractor.conv_hyperparams.batch_norm": None},
        "model.ssd.feature_extractor.conv_hyperparams.batch_norm",
    ),
    ({"model.ssd.feature_extractor.fpn.max_level": 6}, "multiscale_anchor_generator.max_level"),
    ({"model.ssd.feature_extractor.fpn.max_level": 4}, "model.ssd.feature_extractor.fpn.max_level"),
    (
        {"model.ssd.image_resizer.fixed_shape_resizer.height": 300},
        "model.ssd.image_resizer.fixed_shape_resizer",
    ),
    (
        {"model.ssd.image_resizer.fixed_shape_resizer.width": 32},
        "model.ssd.image_resizer.fixed_shape_resizer",
    ),
    (
        {"model.ssd.image_resizer": "keep_aspect_ratio_resizer { min_dimension: 320 max_dimension: 320 }"},
        "keep_aspect_ratio_resizer.pad_to_max_dimension",
    ),
    (
        {
            "model.ssd.image_resizer": "keep_aspect_ratio_resizer { min_dimension: 640 max_dimension: 320 "
            "pad_to_max_dimension: true }"
        },
        "keep_aspect_ratio_resizer.min_dimension",
    ),
    ({f"{COSINE}.total_steps": 20}, f"{COSINE}.total_steps"),
    ({f"{COSINE}.total_steps": 40}, f"{COSINE}.total_steps"),
    ({f"{COSINE}.warmup_learning_rate": 0.5}, f"{COSINE}.warmup_learning_rate"),
    ({"train_config.optimizer": "use_moving_average: false"}, "train_config.optimizer"),
    (
        {"train_config.optimizer": "momentum_optimizer {}"},
        "train_config.optimizer.momentum_optimizer.learning_rate",
    ),
    ({"train_config.num_steps": None}, "train_config.num_steps"),
    (
        {"train_config.fine_tune_checkpoint": "c", "train_config.fine_tune_checkpoint_type": "full"},
        "train_config.fine_tune_checkpoint_version",
    ),
    ({"train_config.max_number_of_boxes": 50}, "train_config.max_number_of_boxes"),
    ({"eval_input_reader[0].sample_1_of_n_examples": 2}, "eval_input_reader[0].sample_1_of_n_examples"),
    (
        {
            "train_config.data_augmentation_options[1].random_crop_image.min_area": 1.0,
            "train_config.data_augmentation_options[1].random_crop_image.max_area": 0.5,
        },
        "train_config.data_augmentation_options[1].random_crop_image.min_area",
    ),
    ({"train_config.data_augmentation_options": [""]}, "train_config.data_augmentation_options[0]"),
    ({"model.ssd.anchor_generator": ""}, "model.ssd.anchor_generator"),
    ({"model.ssd.loss.classification_loss": None}, "model.ssd.loss.classification_loss"),
    ({"model.ssd.num_classes": None}, "model.ssd.num_classes"),
    ({"model": ""}, "model"),
]


@pytest.mark.parametrize(
    ("changes", "path"), CONTRADICTIONS, ids=[str(changes) for changes, _ in CONTRADICTIONS]
)
def test_contradiction_is_refused(
    config: pb.TrainEvalPipelineConfig, changes: dict[str, Any], path: str
) -> None:
    for field, value in changes.items():
        set_field(config, field, value)
    assert path in refusal(config)


MANUAL = (
    "train_config { num_steps: 9 optimizer { adam_optimizer { learning_rate {"
    " manual_step_learning_rate { %s } } } } }"
)


@pytest.mark.parametrize(
    ("schedule", "right"),
    [
        ("schedule { step: 2 } schedule { step: 5 }", True),
        ("schedule { step: 5 } schedule { step: 5 }", False),
        ("schedule { step: 5 } schedule { step: 2 }", False),
        ("schedule { step: 0 }", False),
        ("warmup: true", False),
    ],
)
def test_manual_schedule(config: pb.TrainEvalPipelineConfig, schedule: str, right: bool) -> None:
    config.train_config.CopyFrom(parse_pipeline_config(MANUAL % schedule).train_config)
    if right:
        check_supported(config)
    else:
        assert "manual_step_learning_rate.schedule" in refusal(config)


ACCEPTED: list[tuple[str, Any]] = [
    ("model.ssd.feature_extractor.type", "ssd_resnet50_v1_fpn_keras"),
    ("model.ssd.feature_extractor.type", "ssd_resnet152_v1_fpn_keras"),
    (
        "model.ssd.image_resizer",
        "keep_aspect_ratio_resizer { min_dimension: 320 max_dimension: 320 pad_to_max_dimension: true }",
    ),
    ("model.ssd.image_resizer.fixed_shape_resizer.resize_method", "BICUBIC"),
    ("model.ssd.image_resizer.fixed_shape_resizer.height", 352),
    (
        "model.ssd.feature_extractor.conv_hyperparams.initializer",
        "truncated_normal_initializer { stddev: 0.03 }",
    ),
    ("model.ssd.loss.classification_loss", "weighted_sigmoid {}"),
    ("model.ssd.loss.localization_loss", "weighted_l2 {}"),
    ("model.ssd.freeze_batchnorm", True),
    ("train_config.optimizer", "rms_prop_optimizer { learning_rate { exponential_decay_learning_rate {} } }"),
    ("train_config.optimizer", "adam_optimizer { learning_rate { constant_learning_rate {} } }"),
    ("train_config.max_number_of_boxes", 100),
    ("train_config.use_bfloat16", False),
    ("train_config.freeze_variables", ["conv1"]),
    ("train_input_reader.load_instance_masks", False),
    ("eval_config.include_metrics_per_category", True),
    ("train_config.data_augmentation_options", ["random_adjust_brightness { max_delta: 0.1 }"]),
]


@pytest.mark.parametrize(("path", "value"), ACCEPTED, ids=[path for path, _ in ACCEPTED])
def test_accepted(config: pb.TrainEvalPipelineConfig, path: str, value: Any) -> None:
    set_field(config, path, value)
    check_supported(config)


def test_sizes_are_judged_as_the_extractor_pads_them(config: pb.TrainEvalPipelineConfig) -> None:
    set_field(config, "model.ssd.image_resizer.fixed_shape_resizer.height", 300)
    refusal(config)
    set_field(config, "model.ssd.feature_extractor.pad_to_multiple", 32)
    check_supported(config)
    set_field(config, "model.ssd.feature_extractor.pad_to_multiple", 1)
    set_field(config, "model.ssd.feature_extractor.use_explicit_padding", True)
    check_supported(config)
    set_field(config, "model.ssd.feature_extractor.type", "ssd_resnet50_v1_fpn_keras")
    assert "multiples of 32" in refusal(config)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("train_config.sync_replicas", True),
        ("train_config.startup_delay_steps", 0.0),
        ("train_config.keep_checkpoint_every_n_hours", 1.0),
        ("train_config.batch_queue_capacity", 2),
        ("train_input_reader.queue_capacity", 2),
        ("eval_config.num_visualizations", 3),
        ("model.ssd.inplace_batchnorm_update", True),
    ],
)
def test_what_has_no_effect_is_a_warning(config: pb.TrainEvalPipelineConfig, path: str, value: Any) -> None:
    set_field(config, path, value)
    (warning,) = check_supported(config)
    assert warning.startswith(f"{path} has no effect: ")


def test_moving_averages_off_by_omission_are_said(config: pb.TrainEvalPipelineConfig) -> None:
    config.train_config.optimizer.ClearField("use_moving_average")
    (note,) = check_supported(config)
    assert "use_moving_average" in note
    assert "stay off" in note


def test_all_problems_are_in_one_error(config: pb.TrainEvalPipelineConfig) -> None:
    chosen = [
        entry for entry in REFUSED if not entry[0].startswith(("model", "graph")) and entry[1] is not None
    ][:6]
    for path, value, _ in chosen:
        set_field(config, path, value)
    message = refusal(config)
    assert all(path in message for path, _, _ in chosen)
    assert f"{len(chosen)} things" in message


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_a_number_that_is_none_is_refused(config: pb.TrainEvalPipelineConfig, value: str) -> None:
    predictor = config.model.ssd.box_predictor.weight_shared_convolutional_box_predictor
    predictor.class_prediction_bias_init = float(value)
    assert f"{PREDICTOR}.class_prediction_bias_init" in refusal(config)
