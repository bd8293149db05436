"""Draws detections and groundtruth onto one image. Only pictures come from here, never a number."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from PIL import Image, ImageDraw, ImageFont

LARGEST_SIDE_PIXELS = 720
LARGEST_IMAGE_PIXELS = 100_000_000
JPEG_QUALITY = 84

Kind = Literal["right", "wrong", "missed", "object"]

# Told apart by line style too, not by colour alone.
COLOURS: dict[Kind, tuple[int, int, int]] = {
    "object": (255, 255, 255),
    "right": (52, 211, 120),
    "wrong": (255, 82, 82),
    "missed": (255, 196, 0),
}


@dataclass(frozen=True)
class DrawnBox:
    """One box on an image.

    Attributes:
        box_xywh_pixels: x, y, width, height in pixels of the original image.
        kind: ``object`` (groundtruth that was found), ``right``, ``wrong`` or ``missed``.
        label: Text beside it; '' for none.
    """

    box_xywh_pixels: tuple[float, float, float, float]
    kind: Kind
    label: str


def draw_boxes(encoded: bytes, boxes: Sequence[DrawnBox]) -> bytes:
    """The image as JPEG, at most 720 pixels a side, with its boxes.

    Raises:
        Exception: Whatever Pillow raises; the caller says in the report what could not be drawn.
    """
    image, scale = _open_scaled(encoded)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(size=16)
    line = max(2, round(max(image.size) / 240))
    for box in boxes:
        corners = _corners(box, scale, image.size)
        if box.kind == "missed":
            _dashed_rectangle(draw, corners, COLOURS[box.kind], line)
        else:
            width = 1 if box.kind == "object" else line
            draw.rectangle(corners, outline=COLOURS[box.kind], width=width)
    # Labels come last, so that no box runs through one.
    for box in boxes:
        if box.label:
            _label(draw, box.label, _corners(box, scale, image.size), COLOURS[box.kind], font, image.size)
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", quality=JPEG_QUALITY, optimize=True)
    return buffer.getvalue()


def jpeg_data_uri(jpeg: bytes) -> str:
    """The picture as an address that holds it, so that the page needs no other file."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii")


def _open_scaled(encoded: bytes) -> tuple[Image.Image, float]:
    opened = Image.open(io.BytesIO(encoded))
    width, height = opened.size
    if width * height > LARGEST_IMAGE_PIXELS:
        raise ValueError(f"the image has {width} x {height} pixels, more than are drawn")
    opened.draft("RGB", (LARGEST_SIDE_PIXELS, LARGEST_SIDE_PIXELS))
    image = opened.convert("RGB")
    image.thumbnail((LARGEST_SIDE_PIXELS, LARGEST_SIDE_PIXELS))
    return image, image.size[0] / width


def _corners(box: DrawnBox, scale: float, size: tuple[int, int]) -> tuple[float, float, float, float]:
    x, y, width, height = (value * scale for value in box.box_xywh_pixels)
    left, top = min(max(x, 0), size[0] - 1), min(max(y, 0), size[1] - 1)
    right, bottom = min(max(x + width, left), size[0] - 1), min(max(y + height, top), size[1] - 1)
    return left, top, right, bottom


def _dashed_rectangle(
    draw: ImageDraw.ImageDraw,
    corners: tuple[float, float, float, float],
    colour: tuple[int, int, int],
    line: int,
    dash: int = 6,
) -> None:
    left, top, right, bottom = corners
    for start in range(int(left), int(right) + 1, 2 * dash):
        end = min(start + dash, right)
        draw.line([(start, top), (end, top)], fill=colour, width=line)
        draw.line([(start, bottom), (end, bottom)], fill=colour, width=line)
    for start in range(int(top), int(bottom) + 1, 2 * dash):
        end = min(start + dash, bottom)
        draw.line([(left, start), (left, end)], fill=colour, width=line)
        draw.line([(right, start), (right, end)], fill=colour, width=line)


def _label(
    draw: ImageDraw.ImageDraw,
    text: str,
    corners: tuple[float, float, float, float],
    colour: tuple[int, int, int],
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    size: tuple[int, int],
) -> None:
    text = text if len(text) <= 28 else text[:27] + "…"
    _, _, width, height = draw.textbbox((0, 0), text, font=font)
    left = min(corners[0], max(0, size[0] - width - 6))
    top = corners[1] - height - 3 if corners[1] - height - 3 >= 0 else corners[1]
    draw.rectangle((left, top, left + width + 5, top + height + 3), fill=colour)
    draw.text((left + 3, top + 1), text, fill=(16, 18, 22), font=font)
