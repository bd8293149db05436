"""One record as the checks look at it: parsed once, its values typed, its image decoded at most once."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from components.data_validation.example_proto import Example
from components.data_validation.image_decoding import ImageFacts, decode_image

ENCODED = "image/encoded"
FORMAT = "image/format"
HEIGHT = "image/height"
WIDTH = "image/width"
LABEL = "image/object/class/label"
TEXT = "image/object/class/text"
BOX = "image/object/bbox/"
BOX_SIDES = ("ymin", "xmin", "ymax", "xmax")


class RecordView:
    """A parsed ``tf.train.Example`` (OD_API_SPEC section 9.1).

    A feature of another type than the one asked for reads as absent: the check of the types reports it.

    Args:
        data: The serialized example.
        max_image_pixels: Images with more are not decoded.

    Attributes:
        features: Feature name to the ``Feature`` message.

    Raises:
        ValueError: where ``data`` is no example.
    """

    def __init__(self, data: bytes, max_image_pixels: int) -> None:
        try:
            self._example = Example.FromString(data)
        except DecodeError as error:
            raise ValueError(str(error)) from None
        # A map access on the message is slow; the dict is made once.
        self.features: dict[str, Any] = dict(self._example.features.feature)
        self._max_image_pixels = max_image_pixels

    def kind(self, name: str) -> str | None:
        """``bytes_list``, ``float_list`` or ``int64_list``; None where the feature is absent or untyped."""
        feature = self.features.get(name)
        return None if feature is None else feature.WhichOneof("kind")

    def count(self, name: str) -> int:
        """How many values the feature has, whatever their type."""
        kind = self.kind(name)
        return len(getattr(self.features[name], kind).value) if kind else 0

    def values(self, name: str, kind: str) -> Any:
        """The values of a feature of this kind, empty where it is absent or of another kind."""
        return getattr(self.features[name], kind).value if self.kind(name) == kind else ()

    def first_int(self, name: str) -> int | None:
        """The first value of an int64 feature."""
        values = self.values(name, "int64_list")
        return int(values[0]) if values else None

    @cached_property
    def encoded_image(self) -> bytes:
        """The encoded image; empty where there is none."""
        values = self.values(ENCODED, "bytes_list")
        return values[0] if values else b""

    @cached_property
    def image_format(self) -> str:
        """What the record says the format is, in lower case; '' where it says nothing."""
        values = self.values(FORMAT, "bytes_list")
        return values[0].decode("utf-8", "replace").lower() if values else ""

    @cached_property
    def image(self) -> ImageFacts:
        """What the encoded image really is."""
        return decode_image(self.encoded_image, self._max_image_pixels)

    @cached_property
    def labels(self) -> np.ndarray:
        """Class ids, int64 [N]."""
        return np.array(self.values(LABEL, "int64_list"), np.int64)

    @cached_property
    def texts(self) -> list[str]:
        """Class texts, as many as the record has."""
        return [text.decode("utf-8", "replace") for text in self.values(TEXT, "bytes_list")]

    @cached_property
    def box_side_counts(self) -> dict[str, int]:
        """How many values each of ``BOX_SIDES`` has."""
        return {side: len(self.values(BOX + side, "float_list")) for side in BOX_SIDES}

    @cached_property
    def boxes_yxyx_normalized(self) -> np.ndarray:
        """``ymin, xmin, ymax, xmax`` in 0..1, float32 [N, 4]; [0, 4] where the sides differ in number."""
        if len(set(self.box_side_counts.values())) != 1:
            return np.zeros((0, 4), np.float32)
        sides = [np.array(self.values(BOX + side, "float_list"), np.float32) for side in BOX_SIDES]
        return np.stack(sides, axis=1)
