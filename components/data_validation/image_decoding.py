"""Decodes an image far enough to know that it decodes, without letting it take the memory."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

from PIL import Image

# What training can decode (OD_API_SPEC section 9.1); everything else stays unopened.
FORMATS = ("JPEG", "PNG", "GIF", "BMP")
# JPEGs are decoded at a fraction of their size: all their data is read, most of the arithmetic is left out.
_SMALLEST_SIDE = 64

# The limit is the policy's and is checked before any pixel is decoded.
Image.MAX_IMAGE_PIXELS = None


@dataclass(frozen=True)
class ImageFacts:
    """What an encoded image is.

    Attributes:
        format: ``JPEG``, ``PNG``, ``GIF`` or ``BMP``; '' where it is none of them.
        mode: Pillow's mode of the stored pixels, such as ``RGB``, ``L`` or ``CMYK``.
        width: In pixels, as its header says; 0 where it has none.
        height: In pixels.
        too_large: More pixels than allowed: not decoded.
        problem: Why it does not decode; '' where it does.
    """

    format: str = ""
    mode: str = ""
    width: int = 0
    height: int = 0
    too_large: bool = False
    problem: str = ""

    @property
    def decodes(self) -> bool:
        """Whether all of it decoded."""
        return not self.problem and not self.too_large


def decode_image(data: bytes, max_pixels: int) -> ImageFacts:
    """Reads the header, and where that asks for no more than ``max_pixels``, decodes the image."""
    if not data:
        return ImageFacts(problem="there is no image: 0 bytes")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of odd metadata, which training never reads
        return _decode(data, max_pixels)


def _decode(data: bytes, max_pixels: int) -> ImageFacts:
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except Exception as error:  # hostile bytes raise anything: ValueError, struct.error, SyntaxError ...
        head = data[:8].hex(" ")
        return ImageFacts(problem=f"{_said(error)} (it starts with {head})")
    with image:
        form, mode, (width, height) = image.format or "", image.mode, image.size
        if width * height > max_pixels:
            return ImageFacts(form, mode, width, height, too_large=True)
        try:
            image.draft(None, (_SMALLEST_SIDE, _SMALLEST_SIDE))
            image.load()
        except Exception as error:
            return ImageFacts(form, mode, width, height, problem=_said(error))
        return ImageFacts(form, mode, width, height)


def _said(error: Exception) -> str:
    if isinstance(error, Image.UnidentifiedImageError):
        return f"no image in one of {', '.join(FORMATS)}"
    return str(error) or type(error).__name__
