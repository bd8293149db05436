"""The schema against the specification: names, numbers, types, defaults, oneofs (OD_API_SPEC section 13)."""

from __future__ import annotations

import re
from collections.abc import Iterator, MutableSequence
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import descriptor_pb2

from detection.config import pipeline_pb2 as pb

PACKAGE = "object_detection.protos."
FIELD = re.compile(r"(\w+) ([\w.<>,]+?)(\*)?(?:=('[^']*'|\S*))? #(\d+)( \(deprecated\))?")
SCALARS = {
    "int32": descriptor_pb2.FieldDescriptorProto.TYPE_INT32,
    "uint32": descriptor_pb2.FieldDescriptorProto.TYPE_UINT32,
    "float": descriptor_pb2.FieldDescriptorProto.TYPE_FLOAT,
    "bool": descriptor_pb2.FieldDescriptorProto.TYPE_BOOL,
    "string": descriptor_pb2.FieldDescriptorProto.TYPE_STRING,
}


def all_messages(owner: Any = None) -> Iterator[Any]:
    descriptors = pb.DESCRIPTOR.message_types_by_name.values() if owner is None else owner.nested_types
    for message in descriptors:
        if not message.GetOptions().map_entry:
            yield message
            yield from all_messages(message)


def is_repeated(field: Any) -> bool:
    return isinstance(getattr(field.containing_type._concrete_class(), field.name), MutableSequence)


def test_has_all_messages_and_scalar_fields() -> None:
    messages = list(all_messages())
    scalars = [f for m in messages for f in m.fields if f.message_type is None and not is_repeated(f)]
    assert (len(messages), len(scalars)) == (161, 598)


@pytest.mark.parametrize(
    ("message", "field", "default"),
    [
        (pb.Optimizer, "use_moving_average", True),
        (pb.Optimizer, "moving_average_decay", 0.9999),
        (pb.BatchNorm, "scale", False),
        (pb.BatchNorm, "center", True),
        (pb.BatchNorm, "decay", 0.999),
        (pb.BatchNorm, "epsilon", 0.001),
        (pb.Hyperparams, "activation", pb.Hyperparams.RELU),
        (pb.Hyperparams, "op", pb.Hyperparams.CONV),
        (pb.TrainConfig, "fine_tune_checkpoint_version", pb.V1),
        (pb.TrainConfig, "batch_size", 32),
        (pb.TrainConfig, "unpad_groundtruth_tensors", True),
        (pb.TrainConfig, "add_regularization_loss", True),
        (pb.Ssd, "encode_background_as_zeros", False),
        (pb.Ssd, "normalize_loss_by_num_matches", True),
        (pb.Ssd, "normalize_loc_loss_by_codesize", False),
        (pb.Ssd, "add_background_class", True),
        (pb.BatchNonMaxSuppression, "score_threshold", 0.0),
        (pb.BatchNonMaxSuppression, "iou_threshold", 0.6),
        (pb.BatchNonMaxSuppression, "change_coordinate_frame", True),
        (pb.PostProcessing, "score_converter", pb.PostProcessing.IDENTITY),
        (pb.CosineDecayLearningRate, "warmup_steps", 10000),
        (pb.CosineDecayLearningRate, "total_steps", 4_000_000),
        (pb.AdamOptimizer, "epsilon", 1e-8),
        (pb.InputReader, "shuffle", True),
        (pb.InputReader, "mask_type", pb.NUMERICAL_MASKS),
        (pb.EvalConfig, "groundtruth_box_visualization_color", "black"),
        (pb.RandomJitterBoxes, "jitter_mode", pb.RandomJitterBoxes.DEFAULT),
        (pb.BidirectionalFeaturePyramidNetworks, "combine_method", "fast_attention"),
        (pb.CenterNet.KeypointEstimation, "candidate_ranking_mode", "min_distance"),
        (pb.CenterNet.DeepMACMaskEstimation, "augmented_self_supervision_loss", pb.LOSS_DICE),
        (pb.Context, "attention_position", pb.POST_BOX_CLASSIFIER),
    ],
)
def test_default(message: Any, field: str, default: Any) -> None:
    value = getattr(message(), field)
    assert value == (pytest.approx(default) if isinstance(default, float) else default)
    assert not message().HasField(field)


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (pb.SigmoidFocalClassificationLoss, "alpha"),
        (pb.InputReader, "label_map_path"),
        (pb.RandomPadImage, "max_image_width"),
    ],
)
def test_presence_is_kept(message: Any, field: str) -> None:
    instance = message()
    assert not instance.HasField(field)
    setattr(instance, field, getattr(instance, field))
    assert instance.HasField(field)


def test_oneofs_exclude_each_other() -> None:
    loss = pb.ClassificationLoss()
    loss.weighted_sigmoid.SetInParent()
    loss.weighted_sigmoid_focal.alpha = 0.25
    assert loss.WhichOneof("classification_loss") == "weighted_sigmoid_focal"
    assert not loss.HasField("weighted_sigmoid")


@pytest.fixture(scope="module")
def specification(shared_dir: Path) -> str:
    file = shared_dir / "OD_API_SPEC.md"
    if not file.exists():
        pytest.skip("the specification is not here")
    text = file.read_text(encoding="utf-8")
    return text[text.index("### Schema table") : text.index("## 14.")]


def entries(body: str) -> Iterator[tuple[str, str]]:
    """(oneof or '', field text) of a message's line in the table."""
    oneof = ""
    for part in re.split(r";|(?<=\{)|(?=\})", body):
        if part.strip().endswith("{"):
            oneof = part.split()[1]
            continue
        if part.startswith("}"):
            oneof, part = "", part[1:]
        if part.strip():
            yield oneof, part.strip()


def test_every_field_of_the_specification(specification: str) -> None:
    seen: dict[str, set[str]] = {}
    for line in re.findall(r"^- \*\*([\w.]+)\*\*: (.*)$", specification, flags=re.MULTILINE):
        name, body = line
        message = pb.DESCRIPTOR.pool.FindMessageTypeByName(PACKAGE + name)
        seen[name] = set()
        for oneof, text in entries("" if body == "(no fields)" else body):
            match = FIELD.fullmatch(text)
            assert match, f"{name}: {text}"
            seen[name].add(match[1])
            check_field(message, oneof, match)
        assert seen[name] == set(message.fields_by_name), name
    assert set(seen) == {message.full_name.removeprefix(PACKAGE) for message in all_messages()}


def check_field(message: Any, oneof: str, match: re.Match[str]) -> None:
    name, kind, star, default, number, deprecated = match.groups()
    field = message.fields_by_name[name]
    where = f"{message.name}.{name}"
    assert field.number == int(number), where
    assert bool(field.GetOptions().deprecated) == bool(deprecated), where
    assert (field.containing_oneof.name if field.containing_oneof else "") == oneof, where
    if kind.startswith("map<"):
        assert field.message_type.GetOptions().map_entry, where
        return
    assert is_repeated(field) == bool(star), where
    if kind in SCALARS:
        assert field.type == SCALARS[kind], where
    else:
        made_of = field.message_type or field.enum_type
        assert made_of.full_name.removeprefix(PACKAGE) == kind, where
    if default is not None:
        check_default(field, default, where)


def check_default(field: Any, text: str, where: str) -> None:
    if field.enum_type is not None:
        assert field.enum_type.values_by_number[field.default_value].name == text, where
    elif text.startswith("'"):
        assert field.default_value == text.strip("'"), where
    elif text in ("true", "false"):
        assert field.default_value is (text == "true"), where
    else:
        assert field.default_value == pytest.approx(float(text)), where


def test_every_enum_of_the_specification(specification: str) -> None:
    lines = re.findall(r"^- enum ([\w.]+): (.*)$", specification, flags=re.MULTILINE)
    assert len(lines) > 10
    for name, body in lines:
        enum = pb.DESCRIPTOR.pool.FindEnumTypeByName(PACKAGE + name)
        expected = dict(entry.split("=") for entry in body.split(", "))
        assert {value.name: str(value.number) for value in enum.values} == expected
