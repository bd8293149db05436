"""Reading and writing text protos: real-file syntax, round trips, and errors that say where and what."""

from __future__ import annotations

from collections.abc import MutableSequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import descriptor_pb2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detection.config import pipeline_pb2 as pb
from detection.config.reading import format_pipeline_config, load_pipeline_config, parse_pipeline_config
from detection.errors import ConfigError

PLAIN: dict[int, st.SearchStrategy[Any]] = {
    descriptor_pb2.FieldDescriptorProto.TYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    descriptor_pb2.FieldDescriptorProto.TYPE_UINT32: st.integers(0, 2**32 - 1),
    descriptor_pb2.FieldDescriptorProto.TYPE_FLOAT: st.floats(width=32, allow_nan=False),
    descriptor_pb2.FieldDescriptorProto.TYPE_BOOL: st.booleans(),
    descriptor_pb2.FieldDescriptorProto.TYPE_STRING: st.text(max_size=8),
}


@st.composite
def filled(draw: st.DrawFn, message_class: type, depth: int = 6) -> Any:
    """A random message: a few fields of it set, to a few levels down."""
    message = message_class()
    fields = list(message.DESCRIPTOR.fields)
    for field in (
        draw(st.lists(st.sampled_from(fields), max_size=3, unique_by=lambda f: f.name)) if fields else []
    ):
        repeated = isinstance(getattr(message, field.name), MutableSequence)
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            continue
        if field.message_type is not None:
            if depth == 0:
                continue
            inner = draw(filled(field.message_type._concrete_class, depth - 1))
            if repeated:
                getattr(message, field.name).append(inner)
            else:
                getattr(message, field.name).CopyFrom(inner)
                getattr(message, field.name).SetInParent()
        else:
            numbers = [value.number for value in field.enum_type.values] if field.enum_type else []
            value = draw(st.sampled_from(numbers) if numbers else PLAIN[field.type])
            if repeated:
                getattr(message, field.name).append(value)
            else:
                setattr(message, field.name, value)
    return message


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(filled(pb.TrainEvalPipelineConfig))
def test_what_is_written_reads_back_equal(config: pb.TrainEvalPipelineConfig) -> None:
    assert parse_pipeline_config(format_pipeline_config(config)) == config


def test_maps_read_back_equal() -> None:
    config = pb.TrainEvalPipelineConfig()
    config.eval_config.super_categories["VEHICLE"] = "car,truck"
    sigmas = config.eval_config.parameterized_metric.add().coco_keypoint_metrics.keypoint_label_to_sigmas
    sigmas["nose"] = 0.5
    assert parse_pipeline_config(format_pipeline_config(config)) == config


def test_golden_configs_read_back_equal(shared_dir: Path) -> None:
    files = sorted((shared_dir / "golden").glob("*/pipeline.config"))
    assert files
    for file in files:
        config = load_pipeline_config(file)
        assert config.model.ssd.num_classes == 3
        assert parse_pipeline_config(format_pipeline_config(config)) == config


def test_syntax_of_real_files() -> None:
    text = """
    # a comment, with an ümlaut and { a brace
    model: { ssd { num_classes: 3, image_resizer { fixed_shape_resizer { height: 320; width: 640 } }
      feature_extractor: <
        type: 'ssd_mobilenet' "_v2_fpn_keras"   # two pieces
        depth_multiplier: .04
        conv_hyperparams { activation: RELU_6, regularizer { l2_regularizer { weight: 8e-2 } } }
      >
      anchor_generator { multiscale_anchor_generator { aspect_ratios: [1.0, 2, .5] aspect_ratios: 3.0 } }
    } }
    train_config: { optimizer { use_moving_average: false } }
    """
    ssd = parse_pipeline_config(text).model.ssd
    assert ssd.num_classes == 3
    assert ssd.image_resizer.fixed_shape_resizer.width == 640
    assert ssd.feature_extractor.type == "ssd_mobilenet_v2_fpn_keras"
    assert ssd.feature_extractor.depth_multiplier == pytest.approx(0.04)
    assert ssd.feature_extractor.conv_hyperparams.regularizer.l2_regularizer.weight == pytest.approx(0.08)
    assert list(ssd.anchor_generator.multiscale_anchor_generator.aspect_ratios) == [1.0, 2.0, 0.5, 3.0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("model {\n ssd { num_clases: 3 } }", ["line 2", "num_clases", "num_classes", "Ssd"]),
        ("model { ssd { zzz: 3 } }", ["zzz", "feature_extractor"]),
        ("model { ssd { external_input_reader_x {} } }", ["external_input_reader_x"]),
        ("train_config { fine_tune_checkpoint_version: V3 }", ["V3", "UNKNOWN, V1, V2"]),
        ("model { ssd {} faster_rcnn {} }", ["faster_rcnn", "ssd", "oneof"]),
        ("train_config { batch_size: 1 batch_size: 2 }", ["batch_size", "multiple"]),
        ("train_config { batch_size: -1 }", ["line 1"]),
        ("train_config { batch_size: 1.5 }", ["1.5"]),
        ("train_config { batch_size: ", ["line 1"]),
        ("model { ssd {", ["Expected"]),
        ("}", ["line 1"]),
        ('train_config { fine_tune_checkpoint: "open', ["line 1"]),
    ],
)
def test_a_mistake_is_one_clear_error(text: str, said: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_pipeline_config(text, "team.config")
    for words in ["team.config", *said]:
        assert words in str(caught.value)
    assert caught.value.exit_code == 2


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="modelssdtype{}<>[]:;,.'\"\\#-01e_ \n\t", max_size=60))
def test_no_text_raises_anything_else(text: str) -> None:
    with suppress(ConfigError):
        parse_pipeline_config(text)


def test_deep_nesting_is_an_error_not_a_crash() -> None:
    with pytest.raises(ConfigError):
        parse_pipeline_config("model " + "{ ssd " * 100_000)


def test_missing_folder_and_binary_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        load_pipeline_config(tmp_path / "none.config")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_pipeline_config(tmp_path)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not text"):
        load_pipeline_config(tmp_path / "binary")


def test_a_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    file = tmp_path / "bom.config"
    file.write_bytes(b"\xef\xbb\xbfmodel { ssd { num_classes: 3 } }")
    assert load_pipeline_config(file).model.ssd.num_classes == 3
