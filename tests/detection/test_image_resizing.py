from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from detection.config import pipeline_pb2 as pb
from detection.errors import ConfigError
from detection.image_resizing import resize, static_image_shape


def fixed(height: int, width: int, **more) -> pb.ImageResizer:
    return pb.ImageResizer(fixed_shape_resizer=pb.FixedShapeResizer(height=height, width=width, **more))


def keeping(min_dimension: int, max_dimension: int, **more) -> pb.ImageResizer:
    return pb.ImageResizer(
        keep_aspect_ratio_resizer=pb.KeepAspectRatioResizer(
            min_dimension=min_dimension, max_dimension=max_dimension, **more
        )
    )


def slow_bilinear(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """OD_API_SPEC section 9.3: no half-pixel centres, neighbours floor and floor + 1, clamped."""

    def taps(target: int, source: int):
        places = np.arange(target) * np.float32(source / target)
        low = np.floor(places).astype(int)
        return low, np.minimum(low + 1, source - 1), (places - low).astype(np.float32)

    top, bottom, down = taps(height, image.shape[0])
    left, right, across = taps(width, image.shape[1])
    down, across = down[:, None, None], across[None, :, None]
    upper = image[top][:, left] * (1 - across) + image[top][:, right] * across
    lower = image[bottom][:, left] * (1 - across) + image[bottom][:, right] * across
    return upper * (1 - down) + lower * down


@settings(max_examples=30, deadline=None)
@given(sizes=st.lists(st.integers(1, 40), min_size=4, max_size=4))
def test_bilinear_equals_the_legacy_kernel(sizes):
    height, width, new_height, new_width = sizes
    image = np.random.default_rng(0).random((height, width, 3), np.float32)
    found, true_shape = resize(tf.constant(image), fixed(new_height, new_width))
    np.testing.assert_allclose(found, slow_bilinear(image, new_height, new_width), atol=1e-5)
    assert true_shape.numpy().tolist() == [new_height, new_width, 3]


def test_half_pixel_centres_are_not_used():
    ramp = tf.reshape(tf.constant([0.0, 1.0, 2.0, 3.0]), [1, 4, 1]) * tf.ones([1, 1, 3])
    found, _ = resize(ramp, fixed(1, 2))
    assert found.numpy()[0, :, 0].tolist() == [0.0, 2.0]


def test_an_image_of_the_right_size_is_not_touched():
    image = tf.random.stateless_uniform([9, 7, 3], [1, 2])
    np.testing.assert_array_equal(resize(image, fixed(9, 7))[0], image)
    graph = tf.function(
        lambda one: resize(one, fixed(9, 7))[0], input_signature=[tf.TensorSpec([None, None, 3])]
    )
    np.testing.assert_array_equal(graph(image), image)
    assert graph(tf.zeros([4, 4, 3])).shape == (9, 7, 3)


def test_several_images_at_once():
    images = tf.random.stateless_uniform([2, 9, 7, 3], [1, 2])
    found, _ = resize(images, fixed(5, 6))
    for image in range(2):
        np.testing.assert_array_equal(found[image], resize(images[image], fixed(5, 6))[0])


@pytest.mark.parametrize(
    ("size", "limits", "expected"),
    [
        ((300, 410), (320, 320), (234, 320)),  # the example of the specification
        ((100, 200), (50, 80), (40, 80)),  # the long side decides
        ((100, 110), (50, 80), (50, 55)),  # the short side decides
        ((200, 100), (50, 80), (80, 40)),
        ((5, 3), (10, 10), (10, 6)),
        ((7, 2), (3, 9), (9, 3)),  # 2.57 rounds up
    ],
)
def test_keeping_the_aspect_ratio(size, limits, expected):
    image = tf.random.stateless_uniform([*size, 3], [1, 2])
    found, true_shape = resize(image, keeping(*limits))
    assert true_shape.numpy().tolist() == [*expected, 3]
    np.testing.assert_allclose(found, slow_bilinear(image.numpy(), *expected), atol=5e-5)
    padded, same_shape = resize(image, keeping(*limits, pad_to_max_dimension=True))
    assert padded.shape == (limits[1], limits[1], 3) and same_shape.numpy().tolist() == [*expected, 3]
    np.testing.assert_array_equal(padded[: expected[0], : expected[1]], found)
    assert not padded.numpy()[expected[0] :].any() and not padded.numpy()[:, expected[1] :].any()


def test_padding_value():
    config = keeping(4, 4, pad_to_max_dimension=True, per_channel_pad_value=[1.0, 2.0, -3.0])
    found, _ = resize(tf.zeros([2, 4, 3]), config)
    assert found.numpy()[3, 0].tolist() == [1.0, 2.0, -3.0] and not found.numpy()[:2].any()


@pytest.mark.parametrize("method", ["NEAREST_NEIGHBOR", "BICUBIC", "AREA"])
def test_other_kernels_differ_and_keep_flat_images_flat(method):
    flat = tf.fill([6, 8, 3], 0.25)
    config = fixed(3, 5, resize_method=method)
    np.testing.assert_allclose(resize(flat, config)[0], np.full((3, 5, 3), 0.25), atol=1e-6)
    image = tf.random.stateless_uniform([6, 8, 3], [1, 2])
    assert np.abs(resize(image, config)[0] - resize(image, fixed(3, 5))[0]).max() > 1e-3


def test_nearest_takes_the_pixel_at_the_floor():
    image = tf.random.stateless_uniform([6, 8, 3], [1, 2])
    found, _ = resize(image, fixed(4, 3, resize_method="NEAREST_NEIGHBOR"))
    np.testing.assert_array_equal(found, image.numpy()[[0, 1, 3, 4]][:, [0, 2, 5]])


def test_static_shapes():
    assert static_image_shape(fixed(5, 6)) == (5, 6)
    assert static_image_shape(keeping(5, 9, pad_to_max_dimension=True)) == (9, 9)
    assert static_image_shape(keeping(5, 9)) is None


@pytest.mark.parametrize(
    ("config", "named"),
    [
        (pb.ImageResizer(identity_resizer=pb.IdentityResizer()), "identity_resizer"),
        (pb.ImageResizer(), "nothing"),
        (fixed(5, 5, convert_to_grayscale=True), "fixed_shape_resizer.convert_to_grayscale"),
        (keeping(5, 5, convert_to_grayscale=True), "keep_aspect_ratio_resizer.convert_to_grayscale"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(config, named):
    with pytest.raises(ConfigError, match=named):
        resize(tf.zeros([4, 4, 3]), config)
