"""The whole network without recorded data: shapes, freezing, seeds, precision, refusals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

from detection.config import pipeline_pb2 as pb
from detection.errors import ConfigError
from detection.network.network import SsdNetwork

MakeSsd = Callable[[], pb.Ssd]


def images(height: int = 64, width: int = 64) -> tf.Tensor:
    return tf.constant(np.random.default_rng(0).uniform(-1, 1, (2, height, width, 3)), tf.float32)


def resnet(ssd: pb.Ssd, depth: int = 50) -> pb.Ssd:
    ssd.feature_extractor.type = f"ssd_resnet{depth}_v1_fpn_keras"
    ssd.feature_extractor.depth_multiplier = 0.05
    predictor = ssd.box_predictor.weight_shared_convolutional_box_predictor
    predictor.use_depthwise = predictor.share_prediction_tower = False
    return ssd


@pytest.mark.parametrize("alpha", [0.25, 0.35, 1.0])
@pytest.mark.parametrize("size", [(64, 64), (96, 128)])
def test_output_shapes(tiny_ssd: MakeSsd, alpha: float, size: tuple[int, int]) -> None:
    ssd = tiny_ssd()
    ssd.feature_extractor.depth_multiplier = alpha
    output = SsdNetwork(ssd, is_training=True, seed=0)(images(*size), training=False)
    sides = [(-(-size[0] // 2**level), -(-size[1] // 2**level)) for level in range(3, 8)]
    depth = max(int(32 * ssd.feature_extractor.depth_multiplier), 8)
    assert [tuple(level.shape) for level in output.feature_maps] == [(2, h, w, depth) for h, w in sides]
    anchors = 6 * sum(h * w for h, w in sides)
    assert output.box_encodings.shape == [2, anchors, 4]
    assert output.class_predictions_with_background.shape == [2, anchors, 4]


def test_anchor_order_is_rows_then_columns_then_anchors(tiny_ssd: MakeSsd) -> None:
    """A change of one image corner reaches the first anchors of a level first."""
    network = SsdNetwork(tiny_ssd(), is_training=True, seed=0)
    head = network._box_predictor._box_prediction_head
    features = tf.constant(np.random.default_rng(1).normal(size=(1, 3, 5, 8)), tf.float32)
    flat = head(features)
    maps = head.convolution(features)
    np.testing.assert_array_equal(flat[0, (1 * 5 + 2) * 6 + 4], maps[0, 1, 2, 4 * 4 : 5 * 4])


@pytest.mark.parametrize("depth", [50, 101, 152])
def test_resnets_are_built(tiny_ssd: MakeSsd, depth: int) -> None:
    blocks = {50: 16, 101: 33, 152: 50}[depth]
    network = SsdNetwork(resnet(tiny_ssd(), depth), is_training=True, seed=0)
    layers = network._feature_extractor.classification_backbone.layers_with_weights()
    assert len(layers) == 2 + 6 * blocks + 4 * 2
    names = {variable.name.split("/")[0] for variable in network.variables}
    assert f"ResNet{depth}V1_FPN" in names and "conv5_block3_3_conv" in names


def test_resnet_shapes(tiny_ssd: MakeSsd) -> None:
    output = SsdNetwork(resnet(tiny_ssd()), is_training=True, seed=0)(images(160, 192), training=True)
    assert [level.shape[1:3].as_list() for level in output.feature_maps] == [
        [20, 24],
        [10, 12],
        [5, 6],
        [3, 3],
        [2, 2],
    ]


def test_resnet_pyramid_may_end_below_level_5(tiny_ssd: MakeSsd) -> None:
    ssd = resnet(tiny_ssd())
    ssd.feature_extractor.fpn.max_level = 4
    output = SsdNetwork(ssd, is_training=True, seed=0)(images(160, 160), training=False)
    assert [level.shape[1] for level in output.feature_maps] == [20, 10]


def test_seed(tiny_ssd: MakeSsd) -> None:
    first, again, other, drawn = (
        SsdNetwork(tiny_ssd(), is_training=True, seed=seed).trainable_variables for seed in (7, 7, 8, None)
    )
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    for changed in (other, drawn):
        assert not np.array_equal(first[0], changed[0])


@pytest.mark.parametrize(("freeze", "is_training"), [(True, True), (False, False)])
def test_frozen_statistics_never_move(tiny_ssd: MakeSsd, freeze: bool, is_training: bool) -> None:
    ssd = tiny_ssd()
    ssd.freeze_batchnorm = freeze
    network = SsdNetwork(ssd, is_training=is_training, seed=0)
    before = [variable.numpy() for variable in network.moving_statistics]
    trained, evaluated = network(images(), True), network(images(), False)
    np.testing.assert_array_equal(trained.box_encodings, evaluated.box_encodings)
    assert all(np.array_equal(a, b) for a, b in zip(before, network.moving_statistics, strict=True))


def test_every_statistic_moves_and_every_variable_learns(tiny_ssd: MakeSsd) -> None:
    network = SsdNetwork(tiny_ssd(), is_training=True, seed=0)
    before = [variable.numpy() for variable in network.moving_statistics]
    with tf.GradientTape() as tape:
        output = network(images(128, 128), True)
        weights = tf.random.stateless_normal(output.box_encodings.shape, seed=(1, 2))
        loss = tf.reduce_sum((output.box_encodings + output.class_predictions_with_background) * weights)
    gradients = tape.gradient(loss, network.trainable_variables)
    for variable, gradient in zip(network.trainable_variables, gradients, strict=True):
        assert gradient is not None, variable.name
        assert np.isfinite(gradient).all(), variable.name
    moved = [not np.array_equal(a, b) for a, b in zip(before, network.moving_statistics, strict=True)]
    # A variance of the coarsest, 1x1 level may happen to stay; every mean moves.
    assert sum(moved) >= len(moved) - 4


def test_biases_start_as_configured(tiny_ssd: MakeSsd) -> None:
    network = SsdNetwork(tiny_ssd(), is_training=True, seed=0)
    by_name = {variable.name.split(":")[0]: variable for variable in network.variables}
    scope = "WeightSharedConvolutionalBoxPredictor/WeightSharedConvolutional"
    np.testing.assert_array_equal(
        by_name[f"{scope}ClassHead/ClassPredictor/bias"], np.full(24, np.float32(-4.6))
    )
    np.testing.assert_array_equal(by_name[f"{scope}BoxHead/BoxPredictor/bias"], np.zeros(24))


def test_without_batch_norm_convolutions_have_biases(tiny_ssd: MakeSsd) -> None:
    ssd = tiny_ssd()
    ssd.feature_extractor.override_base_feature_extractor_hyperparams = False
    for hyperparams in (
        ssd.feature_extractor.conv_hyperparams,
        ssd.box_predictor.weight_shared_convolutional_box_predictor.conv_hyperparams,
    ):
        hyperparams.ClearField("batch_norm")
    network = SsdNetwork(ssd, is_training=True, seed=0)
    names = {variable.name.split(":")[0] for variable in network.variables}
    assert "WeightSharedConvolutionalBoxPredictor/PredictionTower/conv2d_1/bias" in names
    extractor = "ssd_mobile_net_v2_fpn_keras_feature_extractor"
    assert f"{extractor}/FeatureMaps/top_down/smoothing_1_depthwise_conv/bias" in names
    assert not any("BatchNorm" in name for name in names)


def test_no_background_class(tiny_ssd: MakeSsd) -> None:
    ssd = tiny_ssd()
    ssd.add_background_class = False
    output = SsdNetwork(ssd, is_training=True, seed=0)(images(), False)
    assert output.class_predictions_with_background.shape[-1] == 3


def test_clip_range_and_scores(tiny_ssd: MakeSsd) -> None:
    ssd = tiny_ssd()
    predictor = ssd.box_predictor.weight_shared_convolutional_box_predictor
    predictor.box_encodings_clip_range.min = -1e-9
    predictor.box_encodings_clip_range.max = 1e-9
    predictor.score_converter = predictor.SIGMOID
    trained = SsdNetwork(ssd, is_training=True, seed=0)(images(), False)
    served = SsdNetwork(ssd, is_training=False, seed=0)(images(), False)
    assert np.abs(trained.box_encodings).max() <= 1e-9
    np.testing.assert_allclose(
        served.class_predictions_with_background,
        tf.sigmoid(trained.class_predictions_with_background),
        rtol=1e-5,
    )


def test_dropout_acts_in_training_only(tiny_ssd: MakeSsd) -> None:
    ssd = tiny_ssd()
    predictor = ssd.box_predictor.weight_shared_convolutional_box_predictor
    predictor.use_dropout, predictor.dropout_keep_probability = True, 0.5
    network = SsdNetwork(ssd, is_training=True, seed=0)
    head = network._box_predictor._prediction_heads["class_predictions_with_background"]
    features = tf.ones([1, 4, 4, 8])
    np.testing.assert_array_equal(head(features, False), head(features, False))
    assert not np.array_equal(head(features, True), head(features, True))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision(tiny_ssd: MakeSsd, dtype: str) -> None:
    exact = SsdNetwork(tiny_ssd(), is_training=True, seed=0)
    half = SsdNetwork(tiny_ssd(), is_training=True, seed=0, compute_dtype=dtype)
    assert all(variable.dtype == tf.float32 for variable in half.variables)
    output, expected = half(images(), True), exact(images(), True)
    assert output.box_encodings.dtype == output.class_predictions_with_background.dtype == tf.float32
    np.testing.assert_allclose(
        output.class_predictions_with_background, expected.class_predictions_with_background, atol=0.15
    )


def test_padding_to_a_multiple_equals_padding_by_hand(tiny_ssd: MakeSsd) -> None:
    ssd = tiny_ssd()
    ssd.feature_extractor.pad_to_multiple = 32
    padded = SsdNetwork(ssd, is_training=True, seed=0)(images(60, 90), False)
    by_hand = tf.pad(images(60, 90), [[0, 0], [0, 4], [0, 6], [0, 0]])
    expected = SsdNetwork(tiny_ssd(), is_training=True, seed=0)(by_hand, False)
    np.testing.assert_array_equal(padded.box_encodings, expected.box_encodings)


def test_explicit_padding_takes_300_pixels(tiny_ssd: MakeSsd) -> None:
    ssd = tiny_ssd()
    ssd.feature_extractor.use_explicit_padding = True
    network = SsdNetwork(ssd, is_training=True, seed=0)
    output = network(images(300, 300), False)
    assert [level.shape[1] for level in output.feature_maps] == [38, 19, 10, 5, 3]
    extractor = network._feature_extractor
    assert hasattr(extractor._coarse_feature_layers[0][1], "depthwise_kernel")
    assert hasattr(extractor._fpn_features_generator.conv_layers[0][2], "moving_mean")


def test_unknown_sizes_give_the_same_numbers(tiny_ssd: MakeSsd) -> None:
    network = SsdNetwork(tiny_ssd(), is_training=True, seed=0)
    signature = tf.TensorSpec([None, None, None, 3], tf.float32)
    traced = tf.function(lambda x: network(x, False), input_signature=[signature])
    expected = network(images(), False)
    np.testing.assert_allclose(traced(images()).box_encodings, expected.box_encodings, atol=1e-5)
    with pytest.raises(tf.errors.InvalidArgumentError, match="33 pixels"):
        traced(images(32, 64))


@pytest.mark.parametrize(
    ("height", "width", "word"), [(300, 300, "twice"), (64, 72, "twice"), (32, 64, "small")]
)
def test_sizes_that_do_not_fit(tiny_ssd: MakeSsd, height: int, width: int, word: str) -> None:
    with pytest.raises(ConfigError, match=word) as raised:
        SsdNetwork(tiny_ssd(), is_training=True, seed=0)(images(height, width), False)
    assert raised.value.details["field"] == "model.ssd.image_resizer"


def _set(path: str, value: object) -> Callable[[pb.Ssd], None]:
    def change(ssd: pb.Ssd) -> None:
        *parents, name = path.split(".")
        message = ssd
        for parent in parents:
            message = getattr(message, parent)
        if value is None:
            message.ClearField(name)
        elif value == "SetInParent":
            getattr(message, name).SetInParent()
        else:
            setattr(message, name, value)

    return change


PREDICTOR = "box_predictor.weight_shared_convolutional_box_predictor"


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("feature_extractor.type", "ssd_mobilenet_v1_keras", "feature_extractor.type"),
        ("feature_extractor.type", "", "feature_extractor.type"),
        ("feature_extractor.bifpn", "SetInParent", "feature_extractor.bifpn"),
        ("feature_extractor.fpn.min_level", 1, "feature_extractor.fpn"),
        ("feature_extractor.fpn.min_level", 6, "feature_extractor.fpn"),
        ("feature_extractor.fpn.max_level", 4, "feature_extractor.fpn.max_level"),
        ("feature_extractor.conv_hyperparams.op", 2, "conv_hyperparams.op"),
        ("feature_extractor.conv_hyperparams.batch_norm", None, "conv_hyperparams.batch_norm"),
        ("feature_extractor.conv_hyperparams.sync_batch_norm", "SetInParent", "sync_batch_norm"),
        ("feature_extractor.conv_hyperparams.group_norm", "SetInParent", "group_norm"),
        ("feature_extractor.conv_hyperparams.initializer", None, "initializer"),
        ("feature_extractor.conv_hyperparams.regularizer.l1_regularizer", "SetInParent", "regularizer"),
        ("anchor_generator", None, "anchor_generator"),
        (f"{PREDICTOR}.box_code_size", 7, "box_code_size"),
        (f"{PREDICTOR}.depth", 0, "depth"),
        (f"{PREDICTOR}.apply_conv_hyperparams_to_heads", True, "apply_conv_hyperparams_to_heads"),
        (f"{PREDICTOR}.apply_conv_hyperparams_pointwise", True, "apply_conv_hyperparams_pointwise"),
        ("box_predictor.mask_rcnn_box_predictor", "SetInParent", "box_predictor"),
    ],
)
def test_what_is_not_built_is_refused_by_name(
    tiny_ssd: MakeSsd, path: str, value: object, field: str
) -> None:
    ssd = tiny_ssd()
    _set(path, value)(ssd)
    with pytest.raises(ConfigError) as raised:
        SsdNetwork(ssd, is_training=True, seed=0)
    assert raised.value.details["field"].startswith("model.ssd.")
    assert raised.value.details["field"].endswith(field)


def test_replicas_share_one_model(tiny_ssd: MakeSsd) -> None:
    """Variables can be made and moved under a distribution strategy."""
    strategy = tf.distribute.MirroredStrategy(["/cpu:0"])
    with strategy.scope():
        network = SsdNetwork(tiny_ssd(), is_training=True, seed=0)
    plain = SsdNetwork(tiny_ssd(), is_training=True, seed=0)

    @tf.function
    def step(x: tf.Tensor) -> tf.Tensor:
        return strategy.run(lambda part: network(part, True).box_encodings, args=(x,))

    np.testing.assert_allclose(step(images()), plain(images(), True).box_encodings, atol=1e-4)
    for distributed, own in zip(network.moving_statistics, plain.moving_statistics, strict=True):
        np.testing.assert_allclose(distributed.numpy(), own.numpy(), atol=1e-4)
        assert distributed.name == own.name
