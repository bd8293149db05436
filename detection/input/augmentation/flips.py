"""Mirroring and turning (OD_API_SPEC section 10)."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from detection.errors import ConfigError
from detection.input.augmentation.randomness import uniform
from detection.input.augmentation.sample import Sample, Step, choose


def random_horizontal_flip(options: Any) -> Step:
    """Mirrors left and right with ``probability``. Probability 0, an error in the OD API, never mirrors.

    Raises:
        ConfigError: ``keypoint_flip_permutation`` is set; there are no keypoints here.
    """
    _refuse_keypoints(options, "random_horizontal_flip", "keypoint_flip_permutation")

    def step(sample: Sample, seed: Any) -> Sample:
        ymin, xmin, ymax, xmax = _sides(sample)

        def flipped() -> Sample:
            boxes = tf.stack([ymin, 1.0 - xmax, ymax, 1.0 - xmin], axis=1)
            return sample._replace(image=tf.reverse(sample.image, axis=[1]), boxes_yxyx_normalized=boxes)

        return choose(uniform(seed, []) < options.probability, flipped, sample)

    return step


def random_vertical_flip(options: Any) -> Step:
    """Mirrors top and bottom with ``probability``.

    Raises:
        ConfigError: ``keypoint_flip_permutation`` is set.
    """
    _refuse_keypoints(options, "random_vertical_flip", "keypoint_flip_permutation")

    def step(sample: Sample, seed: Any) -> Sample:
        ymin, xmin, ymax, xmax = _sides(sample)

        def flipped() -> Sample:
            boxes = tf.stack([1.0 - ymax, xmin, 1.0 - ymin, xmax], axis=1)
            return sample._replace(image=tf.reverse(sample.image, axis=[0]), boxes_yxyx_normalized=boxes)

        return choose(uniform(seed, []) < options.probability, flipped, sample)

    return step


def random_rotation90(options: Any) -> Step:
    """Turns by 90 degrees counter-clockwise with ``probability``.

    Raises:
        ConfigError: ``keypoint_rot_permutation`` is set.
    """
    _refuse_keypoints(options, "random_rotation90", "keypoint_rot_permutation")

    def step(sample: Sample, seed: Any) -> Sample:
        ymin, xmin, ymax, xmax = _sides(sample)

        def turned() -> Sample:
            boxes = tf.stack([1.0 - xmax, ymin, 1.0 - xmin, ymax], axis=1)
            return sample._replace(image=tf.image.rot90(sample.image), boxes_yxyx_normalized=boxes)

        return choose(uniform(seed, []) < options.probability, turned, sample)

    return step


def _sides(sample: Sample) -> list[Any]:
    return tf.unstack(sample.boxes_yxyx_normalized, num=4, axis=1)


def _refuse_keypoints(options: Any, step: str, field: str) -> None:
    if len(getattr(options, field)) > 0:
        raise ConfigError(
            "Keypoints are not supported.",
            field=f"train_config.data_augmentation_options.{step}.{field}",
            found=list(getattr(options, field)),
            expected="the field absent",
        )
