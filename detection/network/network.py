"""The whole SSD network, from preprocessed images to box codes and class logits."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from detection.config import pipeline_pb2 as pb
from detection.errors import ConfigError
from detection.network.box_predictor import BoxPredictor
from detection.network.extractor_building import build_feature_extractor, pyramid_depth
from detection.network.input_sizes import check_image_size, check_pyramid_size, pad_to_multiple
from detection.network.variables import VariableFactory


class NetworkOutput(NamedTuple):
    """What the network says about a batch of images.

    Attributes:
        feature_maps: One [B, H / 2**level, W / 2**level, depth] a pyramid level, fine to coarse.
        box_encodings: float32 [B, A, 4], codes (ty, tx, th, tw).
        class_predictions_with_background: float32 [B, A, C + 1] logits; column 0 is the background
            ([B, A, C] without a background class).
    """

    feature_maps: list[tf.Tensor]
    box_encodings: tf.Tensor
    class_predictions_with_background: tf.Tensor


class SsdNetwork(tf.Module):
    """Backbone, feature pyramid and box predictor of one SSD model.

    All variables are made here, under the names and at the object paths of the OD API's checkpoints, so
    ``tf.train.Checkpoint(model=network)`` reads and writes them (OD_API_SPEC section 11).

    Args:
        ssd: The ``model.ssd`` message.
        is_training: Whether the network is built to be trained. If not, batch normalisation always uses
            its moving statistics.
        seed: Seed of the starting values; None draws one.
        compute_dtype: ``float32``, ``float16`` or ``bfloat16``: what convolutions compute in. Variables,
            batch normalisation statistics and outputs stay float32.

    Raises:
        ConfigError: The message asks for something that is not supported.
    """

    def __init__(
        self,
        ssd: pb.Ssd,
        *,
        is_training: bool,
        seed: int | None = None,
        compute_dtype: str = "float32",
    ) -> None:
        super().__init__()
        variables = VariableFactory(seed)
        extractor = ssd.feature_extractor
        frozen = ssd.freeze_batchnorm or not is_training
        self.is_training = is_training
        self.compute_dtype = tf.as_dtype(compute_dtype)
        self.extractor_type = extractor.type
        self._uses_explicit_padding = extractor.use_explicit_padding and "mobilenet" in extractor.type
        self._pad_to_multiple = extractor.pad_to_multiple
        self._feature_extractor = build_feature_extractor(variables, extractor, frozen=frozen)
        self._box_predictor = BoxPredictor(
            variables,
            ssd,
            is_training=is_training,
            input_channels=pyramid_depth(extractor),
            level_count=extractor.fpn.max_level - extractor.fpn.min_level + 1,
            anchors_per_cell=_anchors_per_cell(ssd),
        )

    def __call__(self, images: tf.Tensor, training: bool) -> NetworkOutput:
        """Predicts for a batch.

        Args:
            images: float32 [B, H, W, 3], preprocessed.
            training: Normalise with the batch's statistics, update the moving ones and drop features, as
                far as the network is built to be trained.

        Raises:
            ConfigError: The images' size, as far as it is known, cannot be worked on.
        """
        check_image_size(images, self.extractor_type)
        images = pad_to_multiple(images, self._pad_to_multiple)
        if not self._uses_explicit_padding:
            check_pyramid_size(images, self._feature_extractor.tap_levels)
        training = training and self.is_training
        features = tf.cast(images, self.compute_dtype)
        maps = self._feature_extractor(features, training)
        boxes, classes = self._box_predictor(maps, training)
        return NetworkOutput([tf.cast(level, tf.float32) for level in maps], boxes, classes)

    @property
    def trainable_variables(self) -> tuple[tf.Variable, ...]:
        """Trainable variables in the reference's order: predictor, coarse levels, backbone, pyramid."""
        return (*self._box_predictor.trainable(), *self._feature_extractor.trainable())

    @property
    def moving_statistics(self) -> tuple[tf.Variable, ...]:
        """Moving means and variances of all batch normalisations, in the same order."""
        return (*self._box_predictor.moving(), *self._feature_extractor.moving())

    @property
    def non_trainable_variables(self) -> tuple[tf.Variable, ...]:
        """The moving statistics: there are no others."""
        return self.moving_statistics

    @property
    def variables(self) -> tuple[tf.Variable, ...]:
        """All variables: trainable ones, then moving statistics."""
        return self.trainable_variables + self.moving_statistics

    def regularization_losses(self) -> list[tf.Tensor]:
        """One float32 scalar a penalised kernel: ``c * sum(kernel**2)`` (OD_API_SPEC section 1.3)."""
        penalties = [*self._box_predictor.penalties(), *self._feature_extractor.penalties()]
        # l2_loss is half the sum of squares in one operation.
        return [2.0 * factor * tf.nn.l2_loss(kernel) for kernel, factor in penalties]


def _anchors_per_cell(ssd: pb.Ssd) -> int:
    chosen = ssd.anchor_generator.WhichOneof("anchor_generator_oneof")
    if chosen != "multiscale_anchor_generator":
        raise ConfigError(
            "The network cannot be built as configured.",
            field="model.ssd.anchor_generator",
            found=chosen or "nothing",
            expected="multiscale_anchor_generator",
        )
    anchors = ssd.anchor_generator.multiscale_anchor_generator
    return len(anchors.aspect_ratios) * anchors.scales_per_octave
