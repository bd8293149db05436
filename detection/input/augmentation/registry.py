"""Which augmentation steps there are, by the name that a config uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from detection.errors import ConfigError
from detection.input.augmentation.cropping import random_crop_image
from detection.input.augmentation.flips import random_horizontal_flip, random_rotation90, random_vertical_flip
from detection.input.augmentation.patches import random_black_patches
from detection.input.augmentation.pending_pixels import settled
from detection.input.augmentation.randomness import derived
from detection.input.augmentation.sample import Sample, Step
from detection.input.augmentation.tone import (
    random_adjust_brightness,
    random_adjust_contrast,
    random_pixel_value_scale,
)

#: Name of the field in ``PreprocessingStep`` -> function that makes the step from the field's message.
AUGMENTATIONS: Mapping[str, Callable[[Any], Step]] = MappingProxyType(
    {
        "random_adjust_brightness": random_adjust_brightness,
        "random_adjust_contrast": random_adjust_contrast,
        "random_black_patches": random_black_patches,
        "random_crop_image": random_crop_image,
        "random_horizontal_flip": random_horizontal_flip,
        "random_pixel_value_scale": random_pixel_value_scale,
        "random_rotation90": random_rotation90,
        "random_vertical_flip": random_vertical_flip,
    }
)

# These only note what is to be done; any other step needs the pixels as they are by then.
_ADD_TO_PENDING = frozenset({"random_adjust_brightness", "random_black_patches"})


def build_augmentation(options: Sequence[Any]) -> Step:
    """Makes one step of all ``data_augmentation_options``, applied in their order.

    Args:
        options: ``PreprocessingStep`` messages.

    Returns:
        The step; its result may have ``pending`` changes (see ``pending_pixels``).

    Raises:
        ConfigError: A step that is not supported or empty, by name, or options that a step refuses.
    """
    steps = [_build(option, index) for index, option in enumerate(options)]

    def augment(sample: Sample, seed: Any) -> Sample:
        for index, (name, step) in enumerate(steps):
            ready = sample if name in _ADD_TO_PENDING else settled(sample)
            sample = step(ready, derived(seed, index))
        return sample

    return augment


def _build(option: Any, index: int) -> tuple[str, Step]:
    name = option.WhichOneof("preprocessing_step")
    field = f"train_config.data_augmentation_options[{index}]"
    if name is None:
        raise ConfigError(
            "An augmentation step is empty.", field=field, expected="one step, such as random_crop_image"
        )
    if name not in AUGMENTATIONS:
        raise ConfigError(
            f"The augmentation {name} is not supported.",
            field=f"{field}.{name}",
            expected="one of " + ", ".join(sorted(AUGMENTATIONS)),
            mend="remove the step or use another",
        )
    return name, AUGMENTATIONS[name](getattr(option, name))
