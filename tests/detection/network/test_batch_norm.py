"""Batch normalisation against its formulas in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from detection.network.batch_norm import BatchNorm, BatchNormSettings
from detection.network.variables import VariableFactory

EPSILON = 1e-3
MOMENTUM = 0.9


def make(**settings: bool) -> BatchNorm:
    layer = BatchNorm(VariableFactory(0), "bn", 4, BatchNormSettings(MOMENTUM, EPSILON, **settings))
    generator = np.random.default_rng(5)
    for variable in (layer.gamma, layer.beta, layer.moving_mean, layer.moving_variance):
        if variable is not None:
            variable.assign(generator.uniform(0.5, 2.0, 4).astype(np.float32))
    return layer


def features() -> np.ndarray:
    return np.random.default_rng(3).normal(3.0, 2.0, (2, 3, 5, 4)).astype(np.float32)


@pytest.mark.parametrize("in_graph", [False, True])
def test_training_updates_with_the_corrected_variance(in_graph: bool) -> None:
    layer, x = make(), features()
    mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
    count = x[..., 0].size
    old_mean, old_variance = layer.moving_mean.numpy(), layer.moving_variance.numpy()
    output = (tf.function(layer) if in_graph else layer)(tf.constant(x), True)
    expected = (x - mean) / np.sqrt(variance + EPSILON) * layer.gamma.numpy() + layer.beta.numpy()
    np.testing.assert_allclose(output, expected, atol=1e-5)
    np.testing.assert_allclose(layer.moving_mean, old_mean * MOMENTUM + mean * (1 - MOMENTUM), rtol=1e-5)
    corrected = variance * count / (count - 1)
    np.testing.assert_allclose(
        layer.moving_variance, old_variance * MOMENTUM + corrected * (1 - MOMENTUM), rtol=1e-5
    )


@pytest.mark.parametrize(("frozen", "training"), [(True, True), (False, False), (True, False)])
def test_inference_uses_and_keeps_the_moving_statistics(frozen: bool, training: bool) -> None:
    layer, x = make(frozen=frozen), features()
    mean, variance = layer.moving_mean.numpy(), layer.moving_variance.numpy()
    output = layer(tf.constant(x), training)
    expected = (x - mean) / np.sqrt(variance + EPSILON) * layer.gamma.numpy() + layer.beta.numpy()
    np.testing.assert_allclose(output, expected, atol=1e-5)
    np.testing.assert_array_equal(layer.moving_mean, mean)
    np.testing.assert_array_equal(layer.moving_variance, variance)


def test_frozen_gamma_and_beta_learn() -> None:
    layer = make(frozen=True)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(tf.constant(features()), True) ** 2)
    gradients = tape.gradient(loss, layer.trainable())
    assert len(gradients) == 2 and all(float(tf.norm(gradient)) > 0 for gradient in gradients)


@pytest.mark.parametrize(("center", "scale"), [(False, True), (True, False), (False, False)])
def test_without_gamma_or_beta(center: bool, scale: bool) -> None:
    layer, x = make(center=center, scale=scale), features()
    assert (layer.beta is not None, layer.gamma is not None) == (center, scale)
    gamma = layer.gamma.numpy() if scale else 1.0
    beta = layer.beta.numpy() if center else 0.0
    expected = (x - x.mean((0, 1, 2))) / np.sqrt(x.var((0, 1, 2)) + EPSILON) * gamma + beta
    np.testing.assert_allclose(layer(tf.constant(x), True), expected, atol=1e-5)


def test_half_precision_keeps_float32_statistics() -> None:
    layer, x = make(), features()
    output = layer(tf.cast(x, tf.bfloat16), True)
    assert output.dtype == tf.bfloat16
    expected = 0.1 * x.mean((0, 1, 2)) + 0.9 * make().moving_mean.numpy()
    np.testing.assert_allclose(layer.moving_mean, expected, rtol=1e-2)
