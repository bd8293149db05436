"""The SSD detector: preprocessing, network, losses and post-processing of one ``pipeline.config`` model."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from detection.anchors import AnchorTable
from detection.box_coding import decode_boxes
from detection.config import pipeline_pb2 as pb
from detection.errors import ConfigError
from detection.groundtruth import EvalGroundtruth, Groundtruth
from detection.image_resizing import resize, static_image_shape
from detection.losses import detection_losses, loss_rule
from detection.matching import matching_rule
from detection.network.network import SsdNetwork
from detection.network.preprocessing import normalize
from detection.postprocessing import postprocess, postprocessing_rule
from detection.postprocessing.detections import convert_scores, true_image_windows
from detection.target_assignment import assign_targets, target_rule


class Predictions(NamedTuple):
    """What the network says about a batch of ``B`` images with ``A`` anchors.

    Attributes:
        box_encodings: float32 [B, A, 4].
        class_predictions_with_background: float32 [B, A, D] logits, D = C + 1 with a background column,
            else C.
        feature_maps: One float32 [B, H, W, depth] a level, fine to coarse.
        anchors_yxyx: float32 [A, 4], a constant, normalized.
        image_size: int32 [2], height and width of the network's input in pixels.
    """

    box_encodings: tf.Tensor
    class_predictions_with_background: tf.Tensor
    feature_maps: list[tf.Tensor]
    anchors_yxyx: tf.Tensor
    image_size: tf.Tensor


class SsdDetector(tf.Module):
    """One detector (OD_API_SPEC section 0 gives the flow of its data).

    Args:
        model: The ``model`` message of ``pipeline.config``.
        is_training: Whether it is built to be trained; if not, batch normalisation always uses its
            statistics.
        seed: Seed of the starting weights; None draws one.
        compute_dtype: What convolutions compute in: ``float32``, ``bfloat16`` or ``float16``.
        force_match_without_overlap: See ``MatchingRule``; True gives the OD API's losses also for groundtruth
            boxes without area.

    Attributes:
        network: The network with all variables; ``tf.train.Checkpoint(model=detector.network)`` saves it.
        num_classes: Number of classes, without the background.
        image_shape: [height, width] of the network's input; None where it depends on the image.

    Raises:
        ConfigError: The model asks for something that is not supported.
    """

    def __init__(
        self,
        model: pb.DetectionModel,
        *,
        is_training: bool,
        seed: int | None = None,
        compute_dtype: str = "float32",
        force_match_without_overlap: bool = False,
    ) -> None:
        super().__init__(name="detector")
        ssd = _checked(model)
        self._ssd = ssd
        self._matching = matching_rule(ssd.matcher, force_match_without_overlap=force_match_without_overlap)
        self._target_rule = target_rule(ssd)
        self._loss_rule = loss_rule(ssd)
        self._postprocessing_rule = postprocessing_rule(ssd)
        self._anchors = AnchorTable(ssd.anchor_generator.multiscale_anchor_generator)
        self.num_classes = int(ssd.num_classes)
        self.image_shape = static_image_shape(ssd.image_resizer)
        self.network = SsdNetwork(ssd, is_training=is_training, seed=seed, compute_dtype=compute_dtype)

    def preprocess(self, image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Normalises and then resizes one image, or several of one size.

        Args:
            image: float32 [H, W, 3] or [B, H, W, 3], RGB in 0..255.

        Returns:
            The network's input, float32 [h, w, 3] or [B, h, w, 3], and its true shape without padding,
            int32 [3].
        """
        return resize(normalize(image, self._ssd.feature_extractor.type), self._ssd.image_resizer)

    def predict(self, images: tf.Tensor, training: bool) -> Predictions:
        """Runs the network.

        Args:
            images: float32 [B, h, w, 3], preprocessed; h and w are known when the graph is built.
            training: Batch statistics are used and moving ones updated.

        Returns:
            The predictions, with the anchors that they are relative to.
        """
        output = self.network(images, training=training)
        size = _static_size(images)
        shapes = [(int(level.shape[1]), int(level.shape[2])) for level in output.feature_maps]
        return Predictions(
            box_encodings=output.box_encodings,
            class_predictions_with_background=output.class_predictions_with_background,
            feature_maps=output.feature_maps,
            anchors_yxyx=tf.constant(self._anchors.of(size, shapes)),
            image_size=tf.constant(size),
        )

    def losses(
        self,
        predictions: Predictions,
        groundtruth: Groundtruth | EvalGroundtruth,
        *,
        add_regularization_loss: bool = True,
    ) -> dict[str, tf.Tensor]:
        """Losses of a batch, float32 scalars under the OD API's tags (OD_API_SPEC section 6).

        Args:
            predictions: What ``predict`` returned.
            groundtruth: The batch's boxes, padded to any number of rows.
            add_regularization_loss: As ``train_config.add_regularization_loss``.

        Returns:
            ``Loss/localization_loss``, ``Loss/classification_loss``, ``Loss/regularization_loss`` (where
            asked for) and ``Loss/total_loss``, their sum.
        """
        boxes = Groundtruth(
            groundtruth.boxes_yxyx_normalized, groundtruth.classes_one_hot, groundtruth.weights
        )
        targets = assign_targets(boxes, predictions.anchors_yxyx, self._matching, self._target_rule)
        detection = detection_losses(
            predictions.box_encodings,
            predictions.class_predictions_with_background,
            targets,
            self._loss_rule,
        )
        losses = {
            "Loss/localization_loss": detection.localization,
            "Loss/classification_loss": detection.classification,
        }
        if add_regularization_loss:
            terms = self.network.regularization_losses()
            losses["Loss/regularization_loss"] = tf.add_n(terms) if terms else tf.zeros([])
        losses["Loss/total_loss"] = tf.add_n(list(losses.values()))
        return losses

    def postprocess(self, predictions: Predictions, true_shapes: tf.Tensor) -> dict[str, tf.Tensor]:
        """Detections and raw predictions of a batch (OD_API_SPEC section 7).

        Args:
            predictions: What ``predict`` returned.
            true_shapes: int32 [B, 3], shape of each preprocessed image without padding.

        Returns:
            ``detection_boxes`` [B, M, 4] (normalized by the true image), ``detection_scores`` [B, M],
            ``detection_classes`` [B, M] (0-based), ``detection_multiclass_scores`` [B, M, D],
            ``num_detections`` [B], all float32, ``detection_anchor_indices`` [B, M] int32,
            ``raw_detection_boxes`` float32 [B, A, 4] (normalized by the padded input, not clipped) and
            ``raw_detection_scores`` float32 [B, A, D].
        """
        rule, scales = self._postprocessing_rule, self._target_rule.code_scales
        scores = convert_scores(predictions.class_predictions_with_background, rule)
        anchors = predictions.anchors_yxyx
        windows = true_image_windows(true_shapes, predictions.image_size)
        found = postprocess(predictions.box_encodings, scores, anchors, windows, rule, scales)
        return {
            "detection_boxes": found.boxes_yxyx_normalized,
            "detection_scores": found.scores,
            "detection_classes": found.classes,
            "detection_multiclass_scores": found.multiclass_scores,
            "detection_anchor_indices": found.anchor_indices,
            "num_detections": found.count,
            "raw_detection_boxes": decode_boxes(predictions.box_encodings, anchors, scales),
            "raw_detection_scores": scores,
        }

    def detect(self, images: tf.Tensor, true_shapes: tf.Tensor) -> dict[str, tf.Tensor]:
        """Detections in preprocessed images: ``predict`` without training, then ``postprocess``."""
        return self.postprocess(self.predict(images, training=False), true_shapes)


def _checked(model: pb.DetectionModel) -> pb.Ssd:
    kind = model.WhichOneof("model")
    if kind != "ssd":
        raise ConfigError(
            "this meta-architecture is not supported", field="model", found=kind or "nothing", expected="ssd"
        )
    parts = {
        "anchor_generator.multiscale_anchor_generator": model.ssd.anchor_generator,
        "box_coder.faster_rcnn_box_coder": model.ssd.box_coder,
        "similarity_calculator.iou_similarity": model.ssd.similarity_calculator,
    }
    for path, message in parts.items():
        field, expected = path.split(".")
        if not message.HasField(expected):
            chosen = message.WhichOneof(message.DESCRIPTOR.oneofs[0].name)
            raise ConfigError(
                "this part of the model is not supported",
                field=f"model.ssd.{field}",
                found=chosen or "nothing",
                expected=expected,
            )
    return model.ssd


def _static_size(images: tf.Tensor) -> tuple[int, int]:
    height, width = images.shape[1:3]
    if height is None or width is None:
        raise ConfigError(
            "the size of the network's input must be known beforehand",
            field="model.ssd.image_resizer",
            found="a resizer whose result depends on the image",
            expected="fixed_shape_resizer, or keep_aspect_ratio_resizer with pad_to_max_dimension",
        )
    return int(height), int(width)
