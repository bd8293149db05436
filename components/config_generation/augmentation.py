"""Named sets of augmentations that a run can choose instead of its base config's."""

from __future__ import annotations

from detection.config import pipeline_pb2 as pb
from detection.config.reading import parse_message

# The street-scene recipe of the project that this one grows from (DESIGN section 7).
_RECIPE = """
data_augmentation_options { random_horizontal_flip {} }
data_augmentation_options {
  random_crop_image {
    min_object_covered: 0.0
    min_aspect_ratio: 0.75
    max_aspect_ratio: 3.0
    min_area: 0.75
    max_area: 1.0
    overlap_thresh: 0.0
  }
}
data_augmentation_options { random_adjust_brightness { max_delta: 0.05 } }
data_augmentation_options { random_black_patches { max_black_patches: 10 size_to_image_ratio: 0.1 } }
"""

_SETS = {"recipe": _RECIPE, "none": ""}
_WHY = {
    "recipe": "augmentation recipe: flip, crop, brightness and black patches of the street-scene recipe",
    "none": "augmentation none",
}


def named_augmentation(name: str) -> tuple[list[pb.PreprocessingStep], str]:
    """The steps of the set ``name`` ('recipe' or 'none'), in order, and why they stand in the config."""
    train = parse_message(_SETS[name], pb.TrainConfig(), f"augmentation set {name}")
    return list(train.data_augmentation_options), _WHY[name]
