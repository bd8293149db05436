from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from detection.input.image_decoding import decode_image

RGB = np.random.default_rng(0).integers(0, 256, (9, 14, 3), dtype=np.uint8)


def _file(kind: str, image: Image.Image, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def _decode(encoded: bytes, image_format: str = "jpeg", max_pixels: int = 10**6) -> np.ndarray:
    function = tf.function(
        lambda e: decode_image(e, tf.constant(image_format), tf.constant("rec-7"), max_pixels)
    )
    return function(tf.constant(encoded)).numpy()


@pytest.mark.parametrize("kind", ["PNG", "BMP"])
def test_lossless_kinds_are_exact(kind: str) -> None:
    np.testing.assert_array_equal(_decode(_file(kind, Image.fromarray(RGB))), RGB)


def test_jpeg_is_tensorflows_default() -> None:
    encoded = _file("JPEG", Image.fromarray(RGB))
    np.testing.assert_array_equal(_decode(encoded), tf.io.decode_jpeg(encoded, channels=3).numpy())


def test_gif_gives_its_first_frame() -> None:
    frames = [Image.new("RGB", (14, 9), color) for color in ("red", "blue")]
    decoded = _decode(_file("GIF", frames[0], save_all=True, append_images=frames[1:]))
    assert decoded.shape == (9, 14, 3)
    assert decoded[0, 0].tolist() == [255, 0, 0]


def test_grey_is_replicated_alpha_is_dropped() -> None:
    grey = Image.fromarray(RGB[:, :, 0])
    for kind in ("PNG", "JPEG"):
        decoded = _decode(_file(kind, grey))
        assert decoded.shape == (9, 14, 3)
        assert (decoded == decoded[:, :, :1]).all()
    rgba = np.concatenate([RGB, RGB[:, :, :1]], axis=2)
    np.testing.assert_array_equal(_decode(_file("PNG", Image.fromarray(rgba))), RGB)


def test_16_bit_is_cut_to_8() -> None:
    values = (RGB[:, :, 0].astype(np.uint16) << 8) | 0x0F
    decoded = _decode(_file("PNG", Image.fromarray(values)))
    np.testing.assert_array_equal(decoded[:, :, 0], RGB[:, :, 0])


def test_cmyk_jpeg_gives_rgb() -> None:
    red = Image.new("RGB", (16, 8), (200, 30, 30)).convert("CMYK")
    decoded = _decode(_file("JPEG", red, quality=95)).astype(int)
    assert decoded.shape == (8, 16, 3)
    assert abs(decoded[4, 8] - [200, 30, 30]).max() < 12


@pytest.mark.parametrize("kind", ["PNG", "BMP", "JPEG", "GIF"])
def test_too_many_pixels_are_refused_before_decoding(kind: str) -> None:
    encoded = _file(kind, Image.fromarray(RGB))
    assert _decode(encoded, max_pixels=9 * 14).shape == (9, 14, 3)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"(?s)\[9 14\].*rec-7"):
        _decode(encoded, max_pixels=9 * 14 - 1)


def test_a_png_bomb_is_refused_by_its_header() -> None:
    # 20,000 x 20,000 in the header, hardly any data: refused without allocating 1.2 GB.
    encoded = bytearray(_file("PNG", Image.fromarray(RGB)))
    encoded[16:24] = (20_000).to_bytes(4, "big") * 2
    with pytest.raises(tf.errors.InvalidArgumentError, match="20000 20000"):
        _decode(bytes(encoded), max_pixels=64_000_000)


@pytest.mark.parametrize("encoded", [b"", b"plain text", b"\x89", b"\0" * 100])
def test_what_is_no_image_names_the_record(encoded: bytes) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"(?s)missing or no JPEG.*rec-7"):
        _decode(encoded)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP"])
def test_only_a_header_is_an_error(kind: str) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError):
        _decode(_file(kind, Image.fromarray(RGB))[:12])


def test_png_of_no_pixels_is_an_error() -> None:
    encoded = bytearray(_file("PNG", Image.fromarray(RGB)))
    encoded[16:20] = b"\0\0\0\0"
    with pytest.raises(tf.errors.InvalidArgumentError, match="rec-7"):
        _decode(bytes(encoded))


@pytest.mark.parametrize("image_format", ["raw", "RAW"])
def test_raw_is_refused(image_format: str) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match="not supported"):
        _decode(b"\1" * 100, image_format)
