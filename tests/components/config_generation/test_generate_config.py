"""A complete config from base, manifest and parameters; the classes above all."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.config_generation.base_config import base_names, load_base
from components.config_generation.difference import changed_fields, difference_markdown
from components.config_generation.generate import GeneratedConfig, generate_config
from components.config_generation.parameters import TrainingParameters
from components.data_validation.manifest import (
    LabelMapEntry,
    LabelMapFacts,
    Manifest,
    Shard,
    Split,
    build_manifest,
    split_digest,
)
from detection.config import pipeline_pb2 as pb
from detection.config.reading import format_pipeline_config, parse_pipeline_config
from detection.config.supported import check_supported
from detection.errors import ConfigError, DataError

DEMO = "demo_mobilenet_v2_fpnlite_320x320"
STREET = {1: "vehicle", 2: "pedestrian", 4: "cyclist"}


def split(name: str, shards: int = 2, records: int = 100, boxes: dict[int, int] | None = None) -> Split:
    made = tuple(
        Shard(f"s3://b/{name}-{index}.tfrecord", 10, f"{name}{index}", records // shards)
        for index in range(shards)
    )
    return Split(split_digest(made), records, records, boxes or dict.fromkeys(STREET, 9), made)


def manifest(classes: dict[int, str] | None = None, **splits: Split) -> Manifest:
    entries = tuple(LabelMapEntry(number, name) for number, name in (classes or STREET).items())
    chosen = {"train": split("train", 5), "eval": split("eval"), **splits}
    return build_manifest(LabelMapFacts("s3://b/street.pbtxt", entries), chosen)


def generate(
    base: str | pb.TrainEvalPipelineConfig = DEMO, data: Manifest | None = None, **given: Any
) -> GeneratedConfig:
    checkpoint = given.pop("checkpoint", "ckpt.tar.gz")
    kind = given.pop("checkpoint_type", "detection")
    config = load_base(base)[0] if isinstance(base, str) else base
    return generate_config(config, data or manifest(), TrainingParameters(**given), checkpoint, kind)


def test_the_result_is_complete_and_supported() -> None:
    made = generate(num_steps=600)
    config = made.config
    assert check_supported(config) == []
    assert list(config.train_input_reader.tf_record_input_reader.input_path) == manifest().split("train").uris
    assert (
        list(config.eval_input_reader[0].tf_record_input_reader.input_path) == manifest().split("eval").uris
    )
    assert config.train_input_reader.label_map_path == "s3://b/street.pbtxt"
    assert config.eval_input_reader[0].label_map_path == "s3://b/street.pbtxt"
    assert config.train_config.fine_tune_checkpoint == "ckpt.tar.gz"
    assert config.train_config.fine_tune_checkpoint_type == "detection"
    assert config.train_config.fine_tune_checkpoint_version == pb.V2
    assert made.warnings == ()
    assert parse_pipeline_config(format_pipeline_config(config)) == config


def test_the_base_is_not_changed() -> None:
    base, _ = load_base(DEMO)
    before = base.SerializeToString(deterministic=True)
    made = generate(base, num_steps=7, image_size=640, augmentation="none")
    assert base.SerializeToString(deterministic=True) == before
    assert made.base is base


# Label ids, num_classes asked for -> num_classes made, or None for a refusal.
CLASSES = [
    ((1, 2, 4), 0, 4),
    ((1, 2, 4), 4, 4),
    ((1, 2, 4), 9, 9),
    ((1, 2, 4), 3, None),
    ((1, 2, 3), 3, 3),
    ((1, 2, 3), 0, 3),
    ((1,), 0, 1),
    ((5,), 1, None),
]


@pytest.mark.parametrize(("ids", "asked", "expected"), CLASSES)
def test_num_classes(ids: tuple[int, ...], asked: int, expected: int | None) -> None:
    names = {number: f"class{number}" for number in ids}
    data = manifest(names, train=split("train", boxes=dict.fromkeys(ids, 1)))
    if expected is not None:
        assert generate(data=data, num_steps=9, num_classes=asked).config.model.ssd.num_classes == expected
        return
    with pytest.raises(ConfigError) as caught:
        generate(data=data, num_steps=9, num_classes=asked)
    message = str(caught.value)
    for said in (
        f"id {max(ids)} (class{max(ids)})",
        f"num_classes {asked}",
        "model.ssd.num_classes",
        "background",
    ):
        assert said in message
    assert caught.value.details["mend"] == f"set num_classes to {max(ids)}, or to 0 to derive it"


@settings(deadline=None, max_examples=30)
@given(st.sets(st.integers(1, 60), min_size=1, max_size=6), st.integers(0, 70))
def test_no_class_ever_lacks_an_output(ids: set[int], asked: int) -> None:
    data = manifest(
        {number: str(number) for number in ids}, train=split("train", boxes=dict.fromkeys(ids, 1))
    )
    try:
        made = generate(data=data, num_steps=9, num_classes=asked).config.model.ssd.num_classes
    except ConfigError:
        assert 0 < asked < max(ids)
    else:
        assert made == (asked or max(ids)) >= max(ids)


def test_an_override_cannot_lose_a_class_either() -> None:
    with pytest.raises(ConfigError, match="num_classes is too small"):
        generate(num_steps=9, overrides={"model.ssd.num_classes": 3})


def test_the_teams_config_with_three_classes_is_mended() -> None:
    base, _ = load_base(DEMO)
    base.model.ssd.num_classes = 3
    assert generate(base, num_steps=9).config.model.ssd.num_classes == 4


@pytest.mark.parametrize("name", base_names())
def test_each_shipped_base(name: str) -> None:
    made = generate(name, num_steps=2000, batch_size=8, learning_rate=0.04, augmentation="recipe")
    assert len(made.config.train_config.data_augmentation_options) == 4
    assert made.config.model.ssd.num_classes == 4
    assert made.notes == ()


AUGMENTATIONS = {"base": 4, "recipe": 4, "none": 0}


@pytest.mark.parametrize(("name", "count"), AUGMENTATIONS.items())
def test_augmentation_sets(name: str, count: int) -> None:
    options = generate(num_steps=9, augmentation=name).config.train_config.data_augmentation_options
    assert len(options) == count
    if name == "recipe":
        crop = options[1].random_crop_image
        found = (
            crop.min_object_covered,
            crop.min_aspect_ratio,
            crop.max_aspect_ratio,
            crop.min_area,
            crop.max_area,
        )
        assert found == (0.0, 0.75, 3.0, 0.75, 1.0)
        assert crop.overlap_thresh == 0.0
        assert options[2].random_adjust_brightness.max_delta == pytest.approx(0.05)
        assert options[3].random_black_patches.max_black_patches == 10


def test_sizes_detections_and_boxes() -> None:
    config = generate(num_steps=9, image_size=640, max_detections=300, max_boxes=200).config
    assert config.model.ssd.image_resizer.fixed_shape_resizer.height == 640
    assert config.model.ssd.image_resizer.fixed_shape_resizer.width == 640
    suppression = config.model.ssd.post_processing.batch_non_max_suppression
    assert (suppression.max_total_detections, suppression.max_detections_per_class) == (300, 300)
    assert config.train_input_reader.max_number_of_boxes == 200
    assert config.eval_input_reader[0].max_number_of_boxes == 200
    with pytest.raises(ConfigError, match="multiples of 32"):
        generate(num_steps=9, image_size=300)


def test_the_field_that_the_reference_ignores_reaches_the_readers() -> None:
    base, _ = load_base(DEMO)
    base.train_input_reader.ClearField("max_number_of_boxes")
    base.train_config.max_number_of_boxes = 50
    config = generate(base, num_steps=9).config
    assert config.train_input_reader.max_number_of_boxes == 50
    assert config.eval_input_reader[0].max_number_of_boxes == 50


def test_optimizer() -> None:
    made = generate(num_steps=9, optimizer="adam", learning_rate=0.001).config.train_config.optimizer
    assert made.WhichOneof("optimizer") == "adam_optimizer"
    cosine = made.adam_optimizer.learning_rate.cosine_decay_learning_rate
    assert cosine.learning_rate_base == pytest.approx(0.001)
    assert cosine.total_steps == 9
    assert generate(num_steps=9, optimizer="momentum").config.train_config.optimizer.HasField(
        "momentum_optimizer"
    )
    with pytest.raises(ConfigError, match="learning rate of its own"):
        generate(num_steps=9, optimizer="adam")


def test_from_scratch_clears_what_the_base_started_from() -> None:
    base, _ = load_base(DEMO)
    base.train_config.fine_tune_checkpoint = "PATH_TO_BE_CONFIGURED"
    base.train_config.fine_tune_checkpoint_type = "classification"
    made = generate(base, num_steps=9, checkpoint="")
    assert not made.config.train_config.HasField("fine_tune_checkpoint")
    assert not made.config.train_config.HasField("fine_tune_checkpoint_type")
    assert any("random weights" in warning for warning in made.warnings)


def test_checkpoint_type_is_checked() -> None:
    with pytest.raises(ConfigError, match="fine_tune_checkpoint_type"):
        generate(num_steps=9, checkpoint_type="fine_tune")


WARNED = [
    ({"num_steps": 5}, manifest(), "not all of the 100"),
    ({"num_steps": 50, "batch_size": 128, "learning_rate": 0.6}, manifest(), "more than the 100 images"),
    ({"num_steps": 50}, manifest(train=split("train", boxes={1: 1, 2: 1, 4: 0})), "4 cyclist has no box"),
    ({"num_steps": 50, "decay_steps": 500}, manifest(), "does not decay to 0"),
    ({"num_steps": 50, "learning_rate": 0.5}, manifest(), "linear scaling gives 0.04"),
    ({"num_steps": 50, "overrides": {"train_config.num_steps": 30}}, manifest(), "does not decay to 0"),
]


@pytest.mark.parametrize(("parameters", "data", "said"), WARNED)
def test_warnings(parameters: dict[str, Any], data: Manifest, said: str) -> None:
    assert any(said in warning for warning in generate(data=data, **parameters).warnings)


@pytest.mark.parametrize("steps", [{"warmup_steps": 9}, {"warmup_steps": 50}])
def test_a_warmup_longer_than_the_training_is_refused(steps: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="warm-up is not shorter"):
        generate(num_steps=9, **steps)


def test_what_is_not_supported_is_refused_after_overrides_too() -> None:
    with pytest.raises(ConfigError, match="use_bfloat16"):
        generate(num_steps=9, overrides={"train_config.use_bfloat16": True})
    with pytest.raises(ConfigError, match="perhaps loss"):
        generate(num_steps=9, overrides={"model.ssd.los": ""})
    base, _ = load_base(DEMO)
    base.train_config.use_bfloat16 = True
    assert generate(base, num_steps=9, overrides={"train_config.use_bfloat16": False})


def test_data_that_is_missing() -> None:
    entries = (LabelMapEntry(1, "a"),)
    only_train = build_manifest(LabelMapFacts("m", entries), {"train": split("train")})
    with pytest.raises(DataError, match="eval"):
        generate(data=only_train, num_steps=9)
    no_classes = build_manifest(LabelMapFacts("m", ()), {"train": split("train"), "eval": split("eval")})
    with pytest.raises(ConfigError, match="no classes"):
        generate(data=no_classes, num_steps=9)


def test_several_eval_readers_become_one_and_other_inputs_are_replaced() -> None:
    base, _ = load_base(DEMO)
    base.eval_input_reader.add().shuffle = True
    base.train_input_reader.external_input_reader.SetInParent()
    made = generate(base, num_steps=9)
    assert len(made.config.eval_input_reader) == 1
    assert made.config.train_input_reader.HasField("tf_record_input_reader")
    assert any("several eval_input_reader" in warning for warning in made.warnings)


ANY_PARAMETERS = st.fixed_dictionaries(
    {"num_steps": st.integers(10, 10**5)},
    optional={
        "batch_size": st.integers(1, 256),
        "image_size": st.sampled_from([0, 256, 320, 512]),
        "augmentation": st.sampled_from(["base", "recipe", "none"]),
        "max_boxes": st.integers(0, 300),
        "max_detections": st.integers(0, 300),
        "num_classes": st.sampled_from([0, 4, 10]),
        "learning_rate": st.floats(1e-4, 1.0),
        "overrides": st.sampled_from([{}, {"model.ssd.loss.classification_weight": 2.0}]),
    },
)


@settings(deadline=None, max_examples=40)
@given(ANY_PARAMETERS)
def test_every_change_has_its_reason(parameters: dict[str, Any]) -> None:
    made = generate(**parameters)
    for path, before, now, reason in changed_fields(made):
        assert reason, path
        assert before != now
    report = difference_markdown(made, DEMO, 1.0)
    assert all(f"`{path}`" in report for path, *_ in changed_fields(made))


def test_the_report_cannot_be_broken_by_names() -> None:
    evil = {1: "a|b<script>alert(1)</script>\n| x |"}
    made = generate(data=manifest(evil, train=split("train", boxes={1: 0})), num_steps=9)
    report = difference_markdown(made, DEMO, 1.0)
    assert "<script>" not in report
    assert all(
        line.count("|") - line.count("\\|") == 5 for line in report.splitlines() if line.startswith("| `")
    )
