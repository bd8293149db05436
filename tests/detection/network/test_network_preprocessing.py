"""Normalisation of pixels."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from detection.errors import ConfigError
from detection.network.preprocessing import EXTRACTOR_TYPES, normalize, smallest_side


def test_mobilenet_maps_pixels_to_the_unit_range() -> None:
    pixels = tf.constant([[[0.0, 127.5, 255.0]]])
    normalised = normalize(pixels, "ssd_mobilenet_v2_fpn_keras")
    np.testing.assert_allclose(normalised, [[[-1.0, 0.0, 1.0]]], atol=1e-6)


@pytest.mark.parametrize("depth", [50, 101, 152])
def test_resnet_takes_off_channel_means_in_rgb_order(depth: int) -> None:
    pixels = tf.constant([[[123.68, 116.779, 103.939], [0.0, 0.0, 255.0]]])
    normalised = normalize(pixels, f"ssd_resnet{depth}_v1_fpn_keras")
    np.testing.assert_allclose(normalised, [[[0, 0, 0], [-123.68, -116.779, 151.061]]], atol=1e-4)


def test_smallest_sides() -> None:
    sides = {kind: smallest_side(kind) for kind in EXTRACTOR_TYPES}
    assert {kind: side for kind, side in sides.items() if "mobilenet" in kind} == {
        "ssd_mobilenet_v2_fpn_keras": 33
    }
    assert {side for kind, side in sides.items() if "resnet" in kind} == {129}


def test_unknown_extractor() -> None:
    with pytest.raises(ConfigError, match="ssd_inception") as raised:
        normalize(tf.zeros([1, 1, 3]), "ssd_inception")
    assert "ssd_resnet50_v1_fpn_keras" in raised.value.details["expected"]
