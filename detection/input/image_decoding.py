"""From encoded images to uint8 RGB, refusing what would exhaust memory before it is decoded."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from detection.input.record_checks import check

#: Images of more pixels are refused (64 million: 8,000 x 8,000; 192 MB as uint8).
MAX_IMAGE_PIXELS = 64_000_000

_RAW_FORMATS = ("raw", "RAW")


def decode_image(encoded: Any, image_format: Any, name: Any, max_pixels: int = MAX_IMAGE_PIXELS) -> Any:
    """Decodes one image (OD_API_SPEC section 9.1).

    Grey is replicated, alpha is dropped, CMYK is converted, 16 bit are cut to 8; of an animated GIF the first
    frame is taken. JPEG uses TensorFlow's default DCT method.

    Args:
        encoded: Scalar string: a JPEG, PNG, GIF or BMP file.
        image_format: Scalar string of the record; only ``raw`` matters, which is refused.
        name: Scalar string that names the record in error messages.
        max_pixels: Height times width above which an image is refused.

    Returns:
        ``[H, W, 3]`` uint8.

    Raises:
        tf.errors.InvalidArgumentError: When run: no such image, or one that is too large, naming the record.
    """
    is_raw = tf.reduce_any(tf.equal(image_format, tf.constant(_RAW_FORMATS)))
    kind = tf.strings.substr(encoded, 0, 2)
    known = tf.reduce_any(tf.equal(kind, tf.constant([b"\xff\xd8", b"\x89P", b"GI", b"BM"])))
    checks = [
        check(
            ~is_raw, ["image/format 'raw' is not supported; expected JPEG, PNG, GIF or BMP in record", name]
        ),
        check(known | is_raw, ["image/encoded is missing or no JPEG, PNG, GIF or BMP in record", name]),
    ]
    with tf.control_dependencies(checks):
        height_width = _header_height_width(tf.identity(encoded), kind)
    pixels = tf.reduce_prod(height_width)
    fits = check(
        (pixels > 0) & (pixels <= max_pixels),
        [
            "the image's header says height and width",
            height_width,
            "of at most",
            max_pixels,
            "pixels, in record",
            name,
        ],
    )
    with tf.control_dependencies([fits]):
        image = tf.io.decode_image(tf.identity(encoded), channels=3, expand_animations=False)
    image.set_shape([None, None, 3])
    return image


def _header_height_width(encoded: Any, kind: Any) -> Any:
    """Height and width as the file's header says them, ``[2]`` int64, without decoding any pixel."""

    def jpeg() -> Any:
        return tf.cast(tf.image.extract_jpeg_shape(encoded)[:2], tf.int64)

    def number(start: int, size: int, little_endian: bool) -> Any:
        # Reading past the end of a cut-off header gives fewer bytes; filled up with zeros it counts as 0
        # pixels.
        text = tf.strings.substr(encoded + tf.constant(b"\0" * 32), start, size)
        octets = tf.cast(tf.io.decode_raw(text, tf.uint8), tf.int64)
        weights = [256**i for i in range(size)] if little_endian else [256**i for i in reversed(range(size))]
        return tf.reduce_sum(octets * tf.constant(weights, tf.int64))

    def signed(value: Any) -> Any:
        # A BMP's height is negative where its rows run from the top.
        return tf.abs(tf.where(value >= 2**31, value - 2**32, value))

    def png() -> Any:
        return tf.stack([number(20, 4, False), number(16, 4, False)])

    def gif() -> Any:
        return tf.stack([number(8, 2, True), number(6, 2, True)])

    def bmp() -> Any:
        return tf.stack([signed(number(22, 4, True)), signed(number(18, 4, True))])

    others = {b"\x89P": png, b"GI": gif, b"BM": bmp}
    cases = [(tf.equal(kind, tf.constant(magic)), branch) for magic, branch in others.items()]
    return tf.cond(tf.equal(kind, b"\xff\xd8"), jpeg, lambda: tf.case(cases, exclusive=True))
