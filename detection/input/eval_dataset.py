"""The evaluation input: every record once, in order (OD_API_SPEC sections 8.7 and 9)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from detection.errors import ConfigError
from detection.groundtruth import EvalGroundtruth
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
from detection.input.tf_example import decode_example
from detection.input.train_dataset import input_options

if TYPE_CHECKING:
    from detection.config import pipeline_pb2 as pb
    from detection.config.label_map import LabelMap


def build_eval_dataset(
    config: pb.TrainEvalPipelineConfig,
    *,
    files: Sequence[str],
    label_map: LabelMap | None,
    preprocess: Preprocess,
    image_shape: Sequence[int] | None,
    batch_size: int,
) -> tf.data.Dataset:
    """Builds the evaluation input from the first ``eval_input_reader`` (a default one where there is none).

    Unlike the OD API it always makes one pass in the order of the files, and keeps the last, smaller batch.

    Args:
        config: The pipeline config.
        files: Local TFRecord files.
        label_map: To resolve class texts; None takes the labels as they are.
        preprocess: Normalises and resizes one float32 image of values 0..255.
        image_shape: ``(height, width)`` of the network input; None where it differs, with batches of 1.
        batch_size: Images of one batch; the last may be smaller.

    Returns:
        A dataset of ``(features, EvalGroundtruth)``. Features are those of ``build_train_dataset`` and
        ``encoded_image`` ``[B]`` string, ``original_shape`` ``[B, 2]`` int32 (height, width),
        ``record_index`` ``[B]`` int64 (over all files) and ``num_boxes_in_record`` ``[B]`` int32, more than
        ``num_boxes`` where ``max_number_of_boxes`` cut some off. Iterate it within ``reading_errors()``.

    Raises:
        ConfigError: What the config asks for is not supported.
        DataError: A file is missing, truncated or empty.
    """
    if image_shape is None and batch_size > 1:
        raise ConfigError(
            "Images of different sizes cannot form one batch.",
            field="eval_config.batch_size",
            found=batch_size,
            expected=1,
        )
    reader = config.eval_input_reader[0] if config.eval_input_reader else type(config.train_input_reader)()
    check_reader(reader, "eval_input_reader[0]")
    resolve = label_resolver(label_map)
    num_classes = num_classes_of(config)
    scanned = scan_record_files(files)

    def prepare(index: Any, serialized: Any) -> Any:
        example = decode_example(serialized, resolve)
        image, true_shape = preprocess(tf.cast(example.image, tf.float32))
        image, true_shape = with_static_shapes(image, true_shape, image_shape)
        boxes = boxes_in_network_frame(example.boxes_yxyx_normalized, image, true_shape)
        rows = reader.max_number_of_boxes
        features = {
            "image": image,
            "true_image_shape": true_shape,
            "source_id": example.source_id,
            "num_boxes": tf.minimum(tf.shape(boxes)[0], rows),
            "num_boxes_in_record": tf.shape(boxes)[0],
            "encoded_image": example.encoded_image,
            "original_shape": tf.shape(example.image)[:2],
            "record_index": index,
        }
        groundtruth = EvalGroundtruth(
            boxes_yxyx_normalized=padded_rows(boxes, rows),
            classes_one_hot=padded_rows(one_hot_classes(example.labels, num_classes), rows),
            weights=padded_rows(example.weights, rows),
            labels=padded_rows(example.labels, rows),
            is_crowd=padded_rows(example.is_crowd, rows),
            area=padded_rows(example.area, rows),
        )
        return features, groundtruth

    records = tf.data.TFRecordDataset(list(scanned.paths)).enumerate()
    dataset = records.map(prepare, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    return dataset.batch(batch_size).prefetch(2).with_options(input_options())
