"""All checks by the name that the policy and the findings call them."""

from __future__ import annotations

from collections.abc import Mapping

from components.data_validation.checks import (
    box_count,
    box_duplicate,
    box_finite,
    box_inside,
    box_inverted,
    box_lengths,
    box_zero_area,
    class_absent,
    duplicate_across_splits,
    duplicate_in_split,
    feature_types,
    image_colour,
    image_decodes,
    image_format,
    image_pixel_limit,
    image_size,
    label_above_num_classes,
    label_known,
    label_text,
    required_features,
    shard_empty,
    split_empty,
    unlabelled_image,
)
from components.data_validation.checks.context import RecordCheck
from components.data_validation.checks.dataset import DatasetCheck
from components.data_validation.findings import Severity

RECORD_CHECKS: dict[str, RecordCheck] = {
    "feature_types": feature_types.check,
    "required_features": required_features.check,
    "image_pixel_limit": image_pixel_limit.check,
    "image_decodes": image_decodes.check,
    "image_size": image_size.check,
    "image_format": image_format.check,
    "image_colour": image_colour.check,
    "box_lengths": box_lengths.check,
    "box_finite": box_finite.check,
    "box_inside": box_inside.check,
    "box_inverted": box_inverted.check,
    "box_zero_area": box_zero_area.check,
    "box_duplicate": box_duplicate.check,
    "box_count": box_count.check,
    "label_known": label_known.check,
    "label_above_num_classes": label_above_num_classes.check,
    "label_text": label_text.check,
    "unlabelled_image": unlabelled_image.check,
}

DATASET_CHECKS: dict[str, DatasetCheck] = {
    "split_empty": split_empty.check,
    "shard_empty": shard_empty.check,
    "class_absent": class_absent.check,
    "duplicate_in_split": duplicate_in_split.check,
    "duplicate_across_splits": duplicate_across_splits.check,
}

# Found while reading, before there is a record (or a label map) to check.
READING_CHECKS = ("label_map", "framing", "example_parses")

_NEED_A_LABEL_MAP = frozenset({"label_known", "label_above_num_classes", "label_text"})


def active_record_checks(
    severities: Mapping[str, Severity], has_label_map: bool
) -> list[tuple[str, RecordCheck]]:
    """The record checks to run: those that are not off, and that have what they compare with."""
    return [
        (name, check)
        for name, check in RECORD_CHECKS.items()
        if severities[name] is not Severity.OFF and (has_label_map or name not in _NEED_A_LABEL_MAP)
    ]


def active_dataset_checks(severities: Mapping[str, Severity]) -> list[tuple[str, DatasetCheck]]:
    """The checks of the whole that are not off."""
    return [(name, check) for name, check in DATASET_CHECKS.items() if severities[name] is not Severity.OFF]
