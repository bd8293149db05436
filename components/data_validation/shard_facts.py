"""What is known of one shard after it was read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from components.data_validation.findings import Finding

# COCO's limits of small and of large objects, in square pixels of the image as it is stored.
SMALL_AREA, LARGE_AREA = 32.0**2, 96.0**2


@dataclass
class ShardFacts:
    """What one shard holds.

    Attributes:
        uri: Where it stands.
        bytes: Its size.
        sha256: Hexadecimal digest of its content.
        records: Records whose framing is whole.
        images: Records whose image decodes.
        unlabelled: Images without boxes.
        boxes_by_class: Class id to boxes.
        images_by_class: Class id to images with at least one box of it.
        image_sizes: (width, height) in pixels to images.
        image_formats: Format to images.
        boxes_per_image: Number of boxes to images.
        box_areas: Class id to boxes that are small, medium, large by COCO's areas.
        image_hashes: Bytes of each record's encoded image, hashed to 128 bits, uint64 [N, 2].
        image_records: The record index of each row of ``image_hashes``, int64 [N].
        findings: The first findings of each check.
        finding_counts: All of them, by check.
    """

    uri: str
    bytes: int = 0
    sha256: str = ""
    records: int = 0
    images: int = 0
    unlabelled: int = 0
    boxes_by_class: Counter[int] = field(default_factory=Counter)
    images_by_class: Counter[int] = field(default_factory=Counter)
    image_sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    image_formats: Counter[str] = field(default_factory=Counter)
    boxes_per_image: Counter[int] = field(default_factory=Counter)
    box_areas: dict[int, list[int]] = field(default_factory=dict)
    image_hashes: np.ndarray = field(default_factory=lambda: np.zeros((0, 2), np.uint64))
    image_records: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    findings: list[Finding] = field(default_factory=list)
    finding_counts: dict[str, int] = field(default_factory=dict)
