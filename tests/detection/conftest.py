"""Small configs that need no shared data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from detection.config import pipeline_pb2 as pb
from detection.config.reading import load_pipeline_config, parse_pipeline_config

_HYPERPARAMS = """
  regularizer { l2_regularizer { weight: 0.00004 } }
  initializer { random_normal_initializer { mean: 0.0 stddev: 0.01 } }
  activation: RELU_6
  batch_norm { decay: 0.997 scale: true epsilon: 0.001 }
"""
_SSD = """
model { ssd {
  num_classes: 3
  image_resizer { fixed_shape_resizer { height: 64 width: 64 } }
  feature_extractor {
    type: "ssd_mobilenet_v2_fpn_keras"
    depth_multiplier: 0.25
    min_depth: 8
    use_depthwise: true
    override_base_feature_extractor_hyperparams: true
    conv_hyperparams { HYPERPARAMS }
    fpn { min_level: 3 max_level: 7 additional_layer_depth: 32 }
  }
  box_predictor { weight_shared_convolutional_box_predictor {
    depth: 8
    num_layers_before_predictor: 2
    kernel_size: 3
    class_prediction_bias_init: -4.6
    share_prediction_tower: true
    use_depthwise: true
    conv_hyperparams { HYPERPARAMS }
  } }
  anchor_generator { multiscale_anchor_generator {
    min_level: 3 max_level: 7 anchor_scale: 4.0 aspect_ratios: [1.0, 2.0, 0.5] scales_per_octave: 2
  } }
} }
""".replace("HYPERPARAMS", _HYPERPARAMS)


@pytest.fixture(scope="session")
def make_tiny_config(project_root: Path) -> Callable[[], pb.TrainEvalPipelineConfig]:
    """Makes the shipped MobileNet model at 64 x 64 pixels and a quarter of its width, new at every call."""
    path = project_root / "configs" / "models" / "ssd_mobilenet_v2_fpnlite_320x320.config"

    def make() -> pb.TrainEvalPipelineConfig:
        config = load_pipeline_config(path)
        ssd = config.model.ssd
        ssd.num_classes = 3
        ssd.image_resizer.fixed_shape_resizer.height = 64
        ssd.image_resizer.fixed_shape_resizer.width = 64
        ssd.feature_extractor.depth_multiplier = 0.25
        ssd.feature_extractor.min_depth = 8
        ssd.box_predictor.weight_shared_convolutional_box_predictor.depth = 8
        return config

    return make


@pytest.fixture
def tiny_config(make_tiny_config: Callable[[], pb.TrainEvalPipelineConfig]) -> pb.TrainEvalPipelineConfig:
    """One such config, to be changed at will."""
    return make_tiny_config()


@pytest.fixture
def tiny_ssd() -> Callable[[], pb.Ssd]:
    """Makes the message of a small MobileNet model; every call gives a new one, to be changed at will."""

    def make() -> pb.Ssd:
        return parse_pipeline_config(_SSD).model.ssd

    return make
