from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from google.protobuf import text_format

from detection.config import pipeline_pb2 as pb
from detection.config import training_support
from detection.errors import ConfigError
from detection.input.augmentation.registry import AUGMENTATIONS, build_augmentation

RECIPE = """
data_augmentation_options { random_horizontal_flip {} }
data_augmentation_options { random_crop_image {
  min_object_covered: 0 overlap_thresh: 0
  min_aspect_ratio: 0.75 max_aspect_ratio: 3 min_area: 0.75 max_area: 1 } }
data_augmentation_options { random_adjust_brightness { max_delta: 0.05 } }
data_augmentation_options { random_black_patches { probability: 0.5 size_to_image_ratio: 0.1 } }
"""


def test_every_name_is_a_step_of_the_schema() -> None:
    names = {field.name for field in pb.PreprocessingStep.DESCRIPTOR.fields}
    assert set(AUGMENTATIONS) <= names


def test_the_config_check_lists_the_same_steps() -> None:
    assert sorted(training_support.AUGMENTATIONS) == sorted(AUGMENTATIONS)


@pytest.mark.parametrize(
    "name", sorted({field.name for field in pb.PreprocessingStep.DESCRIPTOR.fields} - set(AUGMENTATIONS))
)
def test_every_other_step_is_refused_by_name(name: str) -> None:
    option = text_format.Parse(f"{name} {{}}", pb.PreprocessingStep())
    with pytest.raises(ConfigError, match=name) as caught:
        build_augmentation([pb.PreprocessingStep(random_horizontal_flip={}), option])
    assert caught.value.details["field"].startswith("train_config.data_augmentation_options[1]")


def test_an_empty_step_is_refused() -> None:
    with pytest.raises(ConfigError, match="empty"):
        build_augmentation([pb.PreprocessingStep()])


def test_the_same_seed_gives_the_same_sample_another_seed_another(
    apply: Callable, picture: np.ndarray
) -> None:
    first, again = apply(RECIPE, picture, seeds=4), apply(RECIPE, picture, seeds=4)
    for one, two in zip(first, again, strict=True):
        for left, right in zip(one, two, strict=True):
            np.testing.assert_array_equal(left, right)
    assert len({sample.image.tobytes() for sample in first}) == 4


def test_equal_steps_in_a_row_draw_independently(apply: Callable, picture: np.ndarray) -> None:
    twice = "data_augmentation_options { random_horizontal_flip {} }" * 2
    flipped = [bool((s.image != picture).any()) for s in apply(twice, picture, seeds=60)]
    # Two equal draws would always cancel out.
    assert 15 <= sum(flipped) <= 45


@pytest.mark.parametrize("name", sorted(AUGMENTATIONS))
def test_every_step_keeps_the_contract(apply: Callable, picture: np.ndarray, name: str) -> None:
    for image in (picture, picture.astype(np.float32)):
        for boxes in (np.zeros((0, 4)), [[0.1, 0.2, 0.5, 0.4], [0.3, 0.3, 0.3, 0.3], [-0.2, 0.5, 1.2, 0.9]]):
            for sample in apply(f"data_augmentation_options {{ {name} {{}} }}", image, boxes, seeds=4):
                assert sample.image.ndim == 3 and sample.image.shape[2] == 3
                assert sample.image.size > 0
                assert sample.image.min() >= 0 and sample.image.max() <= 255
                assert np.isfinite(sample.boxes_yxyx_normalized).all()
                count = len(sample.boxes_yxyx_normalized)
                assert sample.boxes_yxyx_normalized.shape == (count, 4)
                assert sample.labels.shape == sample.weights.shape == (count,)
                np.testing.assert_allclose(sample.weights, sample.labels * 0.1, rtol=1e-6)
