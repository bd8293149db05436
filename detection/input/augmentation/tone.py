"""Brightness, contrast, gamma and noise: changes of pixel values (OD_API_SPEC section 10)."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from detection.input.augmentation.pending_pixels import Shift
from detection.input.augmentation.randomness import uniform
from detection.input.augmentation.sample import Sample, Step, as_float, clip_to_pixel_range


def random_adjust_brightness(options: Any) -> Step:
    """Adds 255 * U(-max_delta, max_delta) to every pixel, clipped to 0..255."""

    def step(sample: Sample, seed: Any) -> Sample:
        shift = Shift(255.0 * uniform(seed, [], -options.max_delta, options.max_delta))
        return sample._replace(pending=(*sample.pending, shift))

    return step


def random_adjust_contrast(options: Any) -> Step:
    """Scales each channel's distance from its mean by U(min_delta, max_delta), clipped to 0..255."""
    return lambda sample, seed: sample._replace(
        image=contrasted(sample.image, seed, options.min_delta, options.max_delta)
    )


def contrasted(image: Any, seed: Any, low: float, high: float) -> Any:
    """``image`` with one random contrast; ``[H, W, 3]`` float32."""
    pixels = as_float(image)
    mean = tf.reduce_mean(pixels, axis=[0, 1], keepdims=True)
    return clip_to_pixel_range((pixels - mean) * uniform(seed, [], low, high) + mean)


def random_pixel_value_scale(options: Any) -> Step:
    """Multiplies every value by its own U(minval, maxval), clipped to 0..255."""

    def step(sample: Sample, seed: Any) -> Sample:
        pixels = as_float(sample.image)
        factors = uniform(seed, tf.shape(pixels), options.minval, options.maxval)
        return sample._replace(image=clip_to_pixel_range(pixels * factors))

    return step
