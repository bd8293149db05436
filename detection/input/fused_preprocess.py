"""Pending augmentation, cast and normalisation in one pass, where that equals ``preprocess``.

``preprocess`` is given as a function, so what it does to pixel values cannot be seen. The config says what it
should do: normalise by ``scale * x + offset`` and resize. If a probe image then comes out equal, the training
input takes the short way; else it calls ``preprocess`` as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import tensorflow as tf

from detection.errors import ConfigError
from detection.image_resizing import resize
from detection.input.augmentation.pending_pixels import finished_pixels, settled
from detection.input.augmentation.sample import Sample
from detection.input.network_frame import Preprocess
from detection.network.preprocessing import normalize

if TYPE_CHECKING:
    from detection.config import pipeline_pb2 as pb

#: (sample) -> (network input ``[h, w, 3]`` float32, true shape ``[3]`` int32).
Finish = Callable[[Sample], tuple[Any, Any]]

_PROBE_SIZE = (31, 47, 3)
# Of the normalised range: rounding only.
_PROBE_TOLERANCE = 1e-5


class Normalization(NamedTuple):
    """``scale * x + offset`` per channel.

    Attributes:
        scale: Above 0, the same for all channels.
        offsets: ``[3]`` float32.
    """

    scale: float
    offsets: np.ndarray


def finish_for(config: pb.TrainEvalPipelineConfig, preprocess: Preprocess) -> Finish:
    """The fastest function that gives what ``preprocess`` gives for the (settled) image of a sample."""

    def plainly(sample: Sample) -> tuple[Any, Any]:
        return preprocess(tf.cast(settled(sample).image, tf.float32))

    fused = _fused(config)
    return fused if fused is not None and _probe_agrees(fused, plainly) else plainly


def _fused(config: pb.TrainEvalPipelineConfig) -> Finish | None:
    ssd = config.model.ssd
    try:
        normalization = _normalization(ssd.feature_extractor.type)
    except ConfigError:
        return None
    if normalization is None:
        return None

    def finish(sample: Sample) -> tuple[Any, Any]:
        return resize(_normalized(sample, normalization), ssd.image_resizer)

    return finish


def _normalization(extractor_type: str) -> Normalization | None:
    """What ``normalize`` does, read off its results; None where it is not of this form."""
    with tf.init_scope():
        values = tf.tile(tf.range(256.0)[:, tf.newaxis], [1, 3])
        results = np.asarray(normalize(values, extractor_type), np.float64)
    scales = (results[255] - results[0]) / 255
    expected = results[0] + np.arange(256)[:, np.newaxis] * scales
    is_affine = np.allclose(results, expected, rtol=0, atol=_PROBE_TOLERANCE * abs(scales[0]) * 255)
    if not is_affine or not np.allclose(scales, scales[0]) or scales[0] <= 0:
        return None
    return Normalization(float(scales[0]), results[0].astype(np.float32))


def _normalized(sample: Sample, normalization: Normalization) -> Any:
    offsets = normalization.offsets
    if (offsets == offsets[0]).all():
        return finished_pixels(sample, normalization.scale, float(offsets[0]))
    image = finished_pixels(sample, normalization.scale, 0.0)
    # Adding one long row is much faster than broadcasting along a last axis of 3.
    shape = tf.shape(image)
    rows = tf.reshape(image, [shape[0], shape[1] * 3]) + tf.tile(tf.constant(offsets), shape[1:2])
    return tf.ensure_shape(tf.reshape(rows, shape), [None, None, 3])


def _probe_agrees(fused: Finish, plainly: Finish) -> bool:
    pixels = np.random.default_rng(0).integers(0, 256, _PROBE_SIZE, dtype=np.uint8)
    with tf.init_scope():
        probe = Sample(tf.constant(pixels), tf.zeros([0, 4]), tf.zeros([0], tf.int64), tf.zeros([0]))
        try:
            results = [[np.asarray(value) for value in finish(probe)] for finish in (fused, plainly)]
        except (ConfigError, tf.errors.InvalidArgumentError):
            return False
    (one, one_shape), (two, two_shape) = results
    if one.shape != two.shape or not np.array_equal(one_shape, two_shape):
        return False
    return bool(np.abs(one - two).max() <= _PROBE_TOLERANCE * max(float(np.ptp(two)), 1.0))
