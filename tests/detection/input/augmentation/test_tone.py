from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest


def _option(name: str, fields: str) -> str:
    return f"data_augmentation_options {{ {name} {{ {fields} }} }}"


def test_brightness_adds_one_number_and_clips(apply: Callable, picture: np.ndarray) -> None:
    deltas = []
    for result in apply(_option("random_adjust_brightness", "max_delta: 0.05"), picture, seeds=200):
        assert result.image.dtype == np.float32
        middle = (picture > 20) & (picture < 235)
        delta = np.median((result.image - picture)[middle])
        np.testing.assert_allclose(result.image, np.clip(picture + delta, 0, 255), atol=1e-3)
        deltas.append(delta / 255)
    assert min(deltas) >= -0.05 and max(deltas) <= 0.05
    assert min(deltas) < -0.04 and max(deltas) > 0.04
    assert abs(np.mean(deltas)) < 4 * 0.05 / 3**0.5 / 200**0.5


def test_contrast_scales_around_each_channels_mean(apply: Callable) -> None:
    image = np.random.default_rng(3).integers(100, 150, (30, 30, 3), dtype=np.uint8)
    factors = []
    for result in apply(_option("random_adjust_contrast", ""), image, seeds=100):
        mean = image.mean((0, 1))
        factor = (result.image - mean).std() / (image - mean).std()
        np.testing.assert_allclose(result.image, (image - mean) * factor + mean, atol=2e-2)
        factors.append(factor)
    assert 0.799 <= min(factors) < 0.84 and 1.21 < max(factors) <= 1.251


def test_pixel_value_scale_draws_for_every_element(apply: Callable) -> None:
    image = np.full((50, 50, 3), 100, np.uint8)
    (result,) = apply(_option("random_pixel_value_scale", ""), image)
    assert 90 <= result.image.min() < 90.5 and 109.5 < result.image.max() <= 110
    assert result.image.std() == pytest.approx(20 / 12**0.5, rel=0.05)
    bright = np.full((50, 50, 3), 250, np.uint8)
    assert apply(_option("random_pixel_value_scale", ""), bright)[0].image.max() == 255
