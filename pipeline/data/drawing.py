"""Pictures with their boxes drawn in, one by one and together on a contact sheet."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, UnidentifiedImageError

from detection.errors import DataError
from pipeline.data.inspecting import Record

COLOURS = ("#39d353", "#ff5c5c", "#ffd33d", "#4cc9f0", "#d6a2ff", "#ff9f43", "#f15bb5", "#c0ca33")
MOST_PIXELS = 64_000_000


def draw_record(record: Record) -> Image.Image:
    """The picture of a record with boxes and class names.

    Raises:
        DataError: The picture cannot be decoded, or is larger than ``MOST_PIXELS``.
    """
    image = _decode(record)
    draw = ImageDraw.Draw(image)
    thick = max(1, round(min(image.size) / 320))
    font = ImageFont.load_default(max(10, min(image.size) / 50))
    for position, (box, name) in enumerate(
        zip(record.boxes_yxyx_normalized, record.class_names(), strict=True)
    ):
        label = record.labels[position] if position < len(record.labels) else 0
        colour = COLOURS[(label - 1) % len(COLOURS)]
        top, left, bottom, right = (float(value) for value in box)
        corners = (left * image.width, top * image.height, right * image.width - 1, bottom * image.height - 1)
        if corners[2] < corners[0] or corners[3] < corners[1]:
            continue
        draw.rectangle(corners, outline=colour, width=thick)
        _name(draw, corners[0], corners[1], name, colour, font)
    return image


def _name(
    draw: ImageDraw.ImageDraw,
    left: float,
    top: float,
    name: str,
    colour: str,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    x0, y0, x1, y1 = draw.textbbox((0, 0), name, font=font)
    wide, tall = x1 - x0 + 4, y1 - y0 + 4
    above = max(0.0, top - tall)
    draw.rectangle((left, above, left + wide, above + tall), fill=colour)
    draw.text((left + 2 - x0, above + 2 - y0), name, fill="black", font=font)


def _decode(record: Record) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(record.encoded))
        if image.width * image.height > MOST_PIXELS:
            found, expected = f"{image.width}x{image.height}", f"at most {MOST_PIXELS} pixels"
            raise DataError(
                "A picture is too large to draw.", file=record.uri, found=found, expected=expected
            )
        return image.convert("RGB")
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        place = f"record {record.index}, image/encoded"
        raise DataError(
            "A picture cannot be decoded.", file=record.uri, field=place, found=str(error)
        ) from None


class ContactSheet:
    """Thumbnails side by side, ``columns`` in a row, each at most ``side`` pixels wide and high."""

    def __init__(self, columns: int = 4, side: int = 360) -> None:
        self._columns, self._side = columns, side
        self._thumbnails: list[Image.Image] = []

    def add(self, image: Image.Image) -> None:
        """Adds a thumbnail of ``image``."""
        thumbnail = image.copy()
        thumbnail.thumbnail((self._side, self._side))
        self._thumbnails.append(thumbnail)

    def save(self, path: Path) -> None:
        """Writes the sheet; the kind of file follows the name."""
        rows = -(-len(self._thumbnails) // self._columns)
        wide = min(self._columns, len(self._thumbnails)) * self._side
        sheet = Image.new("RGB", (max(wide, 1), max(rows, 1) * self._side), "#202124")
        for position, thumbnail in enumerate(self._thumbnails):
            sheet.paste(
                thumbnail, (position % self._columns * self._side, position // self._columns * self._side)
            )
        sheet.save(path)
