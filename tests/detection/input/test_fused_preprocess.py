from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format

from detection.config import pipeline_pb2 as pb
from detection.image_resizing import resize
from detection.input.augmentation.pending_pixels import Shift
from detection.input.augmentation.sample import Sample
from detection.input.fused_preprocess import finish_for
from detection.network.preprocessing import EXTRACTOR_TYPES, normalize

RESIZERS = {
    "fixed": "fixed_shape_resizer { height: 24 width: 20 }",
    "same size": "fixed_shape_resizer { height: 30 width: 44 }",
    "padded": "keep_aspect_ratio_resizer { min_dimension: 40 max_dimension: 40 pad_to_max_dimension: true }",
}
PIXELS = np.random.default_rng(5).integers(0, 256, (30, 44, 3), dtype=np.uint8)


def _config(extractor: str, resizer: str) -> Any:
    text = f'model {{ ssd {{ feature_extractor {{ type: "{extractor}" }} image_resizer {{ {resizer} }} }} }}'
    return text_format.Parse(text, pb.TrainEvalPipelineConfig())


def _preprocess(config: Any, calls: list[int] | None = None) -> Callable[[Any], Any]:
    ssd = config.model.ssd

    def preprocess(image: Any) -> Any:
        if calls is not None:
            calls.append(1)
        return resize(normalize(image, ssd.feature_extractor.type), ssd.image_resizer)

    return preprocess


def _sample(image: Any, *pending: Any) -> Sample:
    return Sample(tf.constant(image), tf.zeros([0, 4]), tf.zeros([0], tf.int64), tf.zeros([0]), pending)


@pytest.mark.parametrize("extractor", EXTRACTOR_TYPES[:2])
@pytest.mark.parametrize("resizer", sorted(RESIZERS))
def test_the_short_way_equals_preprocess(extractor: str, resizer: str) -> None:
    config = _config(extractor, RESIZERS[resizer])
    calls: list[int] = []
    finish = finish_for(config, _preprocess(config, calls))
    calls.clear()
    for image in (PIXELS, PIXELS.astype(np.float32)):
        for pending in ((), (Shift(tf.constant(11.5)),)):
            result, shape = tf.function(finish)(_sample(image, *pending))
            assert not calls, "the plain function was called, so the short way was not taken"
            brightened = np.clip(PIXELS + (11.5 if pending else 0.0), 0, 255).astype(np.float32)
            expected, expected_shape = _preprocess(config)(tf.constant(brightened))
            np.testing.assert_allclose(result, expected, atol=1e-6 * max(1.0, float(np.ptp(expected))))
            np.testing.assert_array_equal(shape, expected_shape)


@pytest.mark.parametrize(
    "change",
    [
        lambda image, shape: (image + 0.01, shape),
        lambda image, shape: (image[:, ::-1], shape),
        lambda image, shape: (image[:-1], shape),
        lambda image, shape: (image, shape - 1),
    ],
)
def test_a_preprocess_that_does_something_else_is_called_as_it_is(change: Callable[..., Any]) -> None:
    config = _config(EXTRACTOR_TYPES[0], RESIZERS["fixed"])
    plain = _preprocess(config)
    result, shape = finish_for(config, lambda image: change(*plain(image)))(_sample(PIXELS))
    expected, expected_shape = change(*plain(tf.constant(PIXELS, tf.float32)))
    np.testing.assert_array_equal(result, expected)
    np.testing.assert_array_equal(shape, expected_shape)


def test_a_config_that_names_no_extractor_takes_preprocess_as_it_is() -> None:
    result, _ = finish_for(pb.TrainEvalPipelineConfig(), lambda image: (image * 2, tf.shape(image)))(
        _sample(PIXELS)
    )
    np.testing.assert_array_equal(result, PIXELS * 2.0)
