"""The training input: shuffled, augmented batches, repeatable and resumable (OD_API_SPEC section 9)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from detection.errors import ConfigError
from detection.groundtruth import Groundtruth
from detection.input.augmentation.randomness import derived
from detection.input.augmentation.registry import build_augmentation
from detection.input.augmentation.sample import Sample, Step
from detection.input.fused_preprocess import Finish, finish_for
from detection.input.label_resolution import label_resolver
from detection.input.model_options import check_reader, num_classes_of
from detection.input.network_frame import (
    Preprocess,
    boxes_in_network_frame,
    one_hot_classes,
    padded_rows,
    with_static_shapes,
)
from detection.input.record_files import scan_record_files
from detection.input.record_order import order_from_reader, ordered_records
from detection.input.tf_example import decode_example

if TYPE_CHECKING:
    from detection.config import pipeline_pb2 as pb
    from detection.config.label_map import LabelMap


def build_train_dataset(
    config: pb.TrainEvalPipelineConfig,
    *,
    files: Sequence[str],
    label_map: LabelMap | None,
    preprocess: Preprocess,
    image_shape: Sequence[int] | None,
    batch_size: int,
    seed: int,
    skip_batches: int = 0,
) -> tf.data.Dataset:
    """Builds the training input.

    Order, augmentation and so every number depend on ``seed``, ``files`` and the config only. Building it
    again with ``skip_batches=n`` gives the batches from the n-th on, without decoding those before.

    Args:
        config: The pipeline config: ``train_input_reader``, ``data_augmentation_options`` and the number of
            classes.
        files: Local TFRecord files; they stand in for the reader's ``input_path``.
        label_map: To resolve class texts; None takes the labels as they are.
        preprocess: Normalises and resizes one float32 image of values 0..255.
        image_shape: ``(height, width)`` of the network input; None where it differs, with batches of 1.
        batch_size: Images of one batch.
        seed: At least 0.
        skip_batches: Number of batches that were used before.

    Returns:
        A dataset of ``(features, Groundtruth)`` with static shapes; features are ``image`` ``[B, H, W, 3]``
        float32, ``true_image_shape`` ``[B, 3]`` int32, ``source_id`` ``[B]`` string and ``num_boxes`` ``[B]``
        int32. Iterate it within ``reading_errors()``.

    Raises:
        ConfigError: What the config asks for is not supported or contradictory.
        DataError: A file is missing, truncated or empty.
    """
    reader = config.train_input_reader
    check_reader(reader, "train_input_reader")
    _check_train_config(config, image_shape, batch_size)
    resolve = label_resolver(label_map)
    augment = build_augmentation(config.train_config.data_augmentation_options)
    num_classes = num_classes_of(config)
    finish = finish_for(config, preprocess)

    def prepare(position: Any, serialized: Any) -> Any:
        example = decode_example(serialized, resolve)
        sample = Sample(example.image, example.boxes_yxyx_normalized, example.labels, example.weights)
        sample = _augmented(sample, augment, seed, position)
        return _network_element(
            sample, example.source_id, finish, image_shape, num_classes, reader.max_number_of_boxes
        )

    order = order_from_reader(reader, scan_record_files(files), seed)
    if reader.drop_remainder and order.epochs and order.records_per_epoch * order.epochs < batch_size:
        raise ConfigError(
            "The data is smaller than one batch, so there would be no batch at all.",
            field="train_config.batch_size",
            found=f"batch size {batch_size}, {order.records_per_epoch} records in {order.epochs} epochs",
            mend="lower the batch size or set train_input_reader.num_epochs to 0 (endless)",
        )
    examples = ordered_records(order, start=skip_batches * batch_size)
    dataset = examples.map(prepare, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    dataset = dataset.batch(batch_size, drop_remainder=reader.drop_remainder)
    return dataset.prefetch(max(reader.num_prefetch_batches, 1)).with_options(input_options())


def input_options() -> tf.data.Options:
    """Options of both datasets: records run in parallel with each other, so not within one operation too."""
    options = tf.data.Options()
    options.threading.max_intra_op_parallelism = 1
    options.deterministic = True
    # The order is one stream already: several replicas share its batches instead of each reading some files.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    return options


def _augmented(sample: Sample, augment: Step, seed: int, position: Any) -> Sample:
    return augment(sample, derived(tf.constant([seed, 0], tf.int64), position))


def _network_element(
    sample: Sample,
    source_id: Any,
    finish: Finish,
    image_shape: Sequence[int] | None,
    num_classes: int,
    max_boxes: int,
) -> tuple[dict[str, Any], Groundtruth]:
    image, true_shape = with_static_shapes(*finish(sample), image_shape)
    boxes = boxes_in_network_frame(sample.boxes_yxyx_normalized, image, true_shape)
    features = {
        "image": image,
        "true_image_shape": true_shape,
        "source_id": source_id,
        "num_boxes": tf.minimum(tf.shape(boxes)[0], max_boxes),
    }
    groundtruth = Groundtruth(
        boxes_yxyx_normalized=padded_rows(boxes, max_boxes),
        classes_one_hot=padded_rows(one_hot_classes(sample.labels, num_classes), max_boxes),
        weights=padded_rows(sample.weights, max_boxes),
    )
    return features, groundtruth


def _check_train_config(
    config: pb.TrainEvalPipelineConfig, image_shape: Sequence[int] | None, batch_size: int
) -> None:
    for field in ("merge_multiple_label_boxes", "use_multiclass_scores", "retain_original_images"):
        if getattr(config.train_config, field):
            raise ConfigError(
                "An option of the training input is not supported.",
                field=f"train_config.{field}",
                found="true",
                expected="false",
            )
    if image_shape is None and batch_size > 1:
        raise ConfigError(
            "Images of different sizes cannot form one batch.",
            field="model.ssd.image_resizer",
            found=f"a resizer without a fixed output size, batch size {batch_size}",
            mend="use fixed_shape_resizer, keep_aspect_ratio_resizer with padding, or batch size 1",
        )
