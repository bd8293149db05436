"""The weight-shared convolutional box predictor (Lin et al. 2017, RetinaNet; OD_API_SPEC section 3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from detection.config import pipeline_pb2 as pb
from detection.errors import ConfigError
from detection.network.backbone import moving_of, penalties_of, trainable_of
from detection.network.hyperparameters import layer_settings
from detection.network.prediction_heads import BoxHead, ClassHead, head_convolution
from detection.network.prediction_tower import PredictionTower, TowerSettings
from detection.network.variables import VariableFactory

BOXES = "box_encodings"
CLASSES = "class_predictions_with_background"
_FIELD = "model.ssd.box_predictor.weight_shared_convolutional_box_predictor"


class BoxPredictor(tf.Module):
    """Predicts box codes and class logits from every level of a pyramid, with shared kernels.

    Attribute names are those of the reference's checkpoints (OD_API_SPEC section 11).

    Args:
        variables: Makes the variables.
        ssd: The whole model's message.
        is_training: Whether the network is built to be trained.
        input_channels: Channels of the pyramid's maps.
        level_count: Number of pyramid levels.
        anchors_per_cell: Anchors at each pixel of a map, ``K``.

    Raises:
        ConfigError: The message asks for something that is not supported.
    """

    def __init__(
        self,
        variables: VariableFactory,
        ssd: pb.Ssd,
        *,
        is_training: bool,
        input_channels: int,
        level_count: int,
        anchors_per_cell: int,
    ) -> None:
        super().__init__()
        message = _checked(ssd.box_predictor)
        frozen = ssd.freeze_batchnorm or not is_training
        layers = layer_settings(message.conv_hyperparams, f"{_FIELD}.conv_hyperparams", frozen=frozen)
        tower_settings = TowerSettings(
            layers=layers,
            layer_count=message.num_layers_before_predictor,
            depth=message.depth,
            kernel_size=message.kernel_size,
            use_depthwise=message.use_depthwise,
            input_channels=input_channels,
            level_count=level_count,
        )
        self._make_towers(variables, tower_settings, message.share_prediction_tower)

        def head(name: str, columns: int, bias_initial: float) -> Any:
            return head_convolution(
                variables,
                name,
                (tower_settings.output_channels, anchors_per_cell * columns),
                layers.kernel,
                kernel_size=message.kernel_size,
                use_depthwise=message.use_depthwise,
                bias_initial=bias_initial,
            )

        clip = message.box_encodings_clip_range
        self._box_prediction_head = BoxHead(
            head("WeightSharedConvolutionalBoxHead/BoxPredictor", message.box_code_size, 0.0),
            (clip.min, clip.max) if message.HasField("box_encodings_clip_range") else None,
        )
        columns = ssd.num_classes + (1 if ssd.add_background_class else 0)
        converter = pb.WeightSharedConvolutionalBoxPredictor.SIGMOID
        class_head = ClassHead(
            head(
                "WeightSharedConvolutionalClassHead/ClassPredictor",
                columns,
                message.class_prediction_bias_init,
            ),
            columns=columns,
            drop_rate=1.0 - message.dropout_keep_probability if message.use_dropout else None,
            gives_scores=message.score_converter == converter and not is_training,
        )
        self._prediction_heads = {CLASSES: class_head}

    def _make_towers(self, variables: VariableFactory, settings: TowerSettings, shared: bool) -> None:
        names = ["PredictionTower"] if shared else ["BoxPredictionTower", "ClassPredictionTower"]
        towers = [PredictionTower(variables, name, settings) for name in names]
        self._towers = _Towers(towers)
        self._head_scope_conv_layers = {
            name: list(tower.convolutions) for name, tower in zip(names, towers, strict=True)
        }
        # With a shared tower the reference lists it under the box head only.
        self._base_tower_layers_for_heads = {
            head: tower.level_lists() for head, tower in zip((BOXES, CLASSES), towers, strict=False)
        }

    def __call__(self, feature_maps: Sequence[tf.Tensor], training: bool) -> tuple[tf.Tensor, tf.Tensor]:
        """Predicts from a pyramid's maps, fine to coarse.

        Returns:
            Box codes [B, A, 4] and class logits [B, A, C + 1], both float32; anchor index is
            ``offset(level) + (y * W + x) * K + k``.
        """
        box_tower, class_tower = self._towers.box, self._towers.classes
        boxes, classes = [], []
        for level, features in enumerate(feature_maps):
            for_boxes = box_tower(features, level, training)
            for_classes = for_boxes if class_tower is box_tower else class_tower(features, level, training)
            boxes.append(self._box_prediction_head(for_boxes))
            classes.append(self._prediction_heads[CLASSES](for_classes, training))
        return tf.concat(boxes, 1), tf.concat(classes, 1)

    def layers_with_variables(self) -> list[Any]:
        """Layers in the reference's order of variables: box head, class head, towers."""
        heads = [self._box_prediction_head.convolution, self._prediction_heads[CLASSES].convolution]
        return heads + [layer for tower in self._towers.all for layer in tower.layers_with_variables()]

    def trainable(self) -> list[tf.Variable]:
        """Trainable variables in the reference's order."""
        return trainable_of(self.layers_with_variables())

    def moving(self) -> list[tf.Variable]:
        """Moving statistics in the same order."""
        return moving_of(self.layers_with_variables())

    def penalties(self) -> list[tuple[tf.Variable, float]]:
        """Penalised kernels with their factors."""
        return penalties_of(self.layers_with_variables())


class _Towers:
    """One tower for both heads, or one each; a holder that checkpoints do not look into."""

    def __init__(self, towers: list[PredictionTower]) -> None:
        self.all = towers
        self.box = towers[0]
        self.classes = towers[-1]


def _checked(predictor: pb.BoxPredictor) -> pb.WeightSharedConvolutionalBoxPredictor:
    chosen = predictor.WhichOneof("box_predictor_oneof")
    if chosen != "weight_shared_convolutional_box_predictor":
        raise ConfigError(
            "This box predictor is not supported.",
            field="model.ssd.box_predictor",
            found=chosen or "nothing",
            expected="weight_shared_convolutional_box_predictor",
        )
    message = predictor.weight_shared_convolutional_box_predictor
    if message.box_code_size != 4:
        raise ConfigError(
            "Only boxes of four coordinates are predicted.",
            field=f"{_FIELD}.box_code_size",
            found=message.box_code_size,
            expected=4,
        )
    for name in ("apply_conv_hyperparams_to_heads", "apply_conv_hyperparams_pointwise"):
        if getattr(message, name):
            raise ConfigError(
                "The network cannot be built as configured.",
                field=f"{_FIELD}.{name}",
                found="true",
                expected="false, its default",
            )
    if message.num_layers_before_predictor and message.depth < 1:
        raise ConfigError(
            "The box predictor's tower has layers without channels.",
            field=f"{_FIELD}.depth",
            found=message.depth,
            expected="1 or more",
        )
    return message
