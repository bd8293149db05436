"""What the input takes from the model's config, and which options of an input reader it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from detection.errors import ConfigError

if TYPE_CHECKING:
    from detection.config import pipeline_pb2 as pb

_UNSUPPORTED_FLAGS = (
    "load_multiclass_scores",
    "load_context_features",
    "load_context_image_ids",
    "load_instance_masks",
    "load_dense_pose",
    "load_track_id",
    "load_keypoint_depth_features",
    "use_keypoint_label_map",
    "expand_labels_hierarchy",
)
_UNSUPPORTED_COUNTS = ("num_additional_channels", "num_keypoints")
_SEQUENCE_EXAMPLE = 2


def num_classes_of(config: pb.TrainEvalPipelineConfig) -> int:
    """The number of classes, background left out.

    Raises:
        ConfigError: The model is no SSD or has no class.
    """
    model = config.model.WhichOneof("model")
    if model != "ssd":
        raise ConfigError(
            "The model is not supported.",
            field="model",
            found=model or "no model",
            expected="model { ssd { ... } }",
        )
    if config.model.ssd.num_classes < 1:
        raise ConfigError(
            "The model has no class.",
            field="model.ssd.num_classes",
            found=config.model.ssd.num_classes,
            expected="at least 1",
        )
    return int(config.model.ssd.num_classes)


def check_reader(reader: pb.InputReader, name: str) -> None:
    """Refuses what an input reader asks for and is not supported.

    Raises:
        ConfigError: Naming the field.
    """
    for field in (*_UNSUPPORTED_FLAGS, *_UNSUPPORTED_COUNTS):
        if getattr(reader, field):
            raise ConfigError(
                "An option of the input reader is not supported.",
                field=f"{name}.{field}",
                found=getattr(reader, field),
                expected="the field absent",
            )
    if reader.input_type == _SEQUENCE_EXAMPLE:
        raise ConfigError(
            "Sequence examples are not supported.",
            field=f"{name}.input_type",
            found="TF_SEQUENCE_EXAMPLE",
            expected="TF_EXAMPLE",
        )
    if reader.max_number_of_boxes < 1:
        raise ConfigError(
            "There must be room for a box.",
            field=f"{name}.max_number_of_boxes",
            found=reader.max_number_of_boxes,
            expected="at least 1",
        )
