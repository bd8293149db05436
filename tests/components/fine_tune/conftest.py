"""A project of eight small pictures: shard, label map, manifest and a config that trains in seconds."""

from __future__ import annotations

import hashlib
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from components.data_validation.manifest import (
    LabelMapEntry,
    LabelMapFacts,
    Shard,
    Split,
    build_manifest,
    split_digest,
    write_manifest,
)

CONFIG = """
model { ssd {
  num_classes: 2
  image_resizer { fixed_shape_resizer { height: 128 width: 128 } }
  feature_extractor {
    type: "ssd_mobilenet_v2_fpn_keras" depth_multiplier: 0.25 min_depth: 8 use_depthwise: true
    conv_hyperparams {
      regularizer { l2_regularizer { weight: 4e-05 } }
      initializer { random_normal_initializer { stddev: 0.01 } }
      activation: RELU_6
      batch_norm { decay: 0.997 scale: true epsilon: 0.001 } }
    fpn { min_level: 3 max_level: 7 additional_layer_depth: 16 } }
  box_coder { faster_rcnn_box_coder { } }
  matcher { argmax_matcher {
    matched_threshold: 0.5 unmatched_threshold: 0.5 force_match_for_each_row: true use_matmul_gather: true } }
  similarity_calculator { iou_similarity { } }
  box_predictor { weight_shared_convolutional_box_predictor {
    conv_hyperparams {
      regularizer { l2_regularizer { weight: 4e-05 } }
      initializer { random_normal_initializer { stddev: 0.01 } }
      activation: RELU_6
      batch_norm { decay: 0.997 scale: true epsilon: 0.001 } }
    depth: 16 num_layers_before_predictor: 1 kernel_size: 3 class_prediction_bias_init: -4.6
    share_prediction_tower: true use_depthwise: true } }
  anchor_generator { multiscale_anchor_generator {
    min_level: 3 max_level: 7 anchor_scale: 4 aspect_ratios: 1 aspect_ratios: 2 aspect_ratios: 0.5
    scales_per_octave: 2 } }
  post_processing {
    batch_non_max_suppression {
      score_threshold: 1e-08 iou_threshold: 0.6 max_detections_per_class: 100 max_total_detections: 100 }
    score_converter: SIGMOID }
  normalize_loss_by_num_matches: true
  loss {
    localization_loss { weighted_smooth_l1 { } }
    classification_loss { weighted_sigmoid_focal { gamma: 2.0 alpha: 0.25 } }
    classification_weight: 1.0 localization_weight: 1.0 }
  encode_background_as_zeros: true normalize_loc_loss_by_codesize: true freeze_batchnorm: false
} }
train_config {
  batch_size: 2 num_steps: NUM_STEPS EXTRA
  data_augmentation_options { random_horizontal_flip { } }
  optimizer { use_moving_average: false momentum_optimizer { momentum_optimizer_value: 0.9
    learning_rate { cosine_decay_learning_rate {
      learning_rate_base: 0.02 total_steps: 100 warmup_learning_rate: 0.005 warmup_steps: 5 } } } }
}
train_input_reader { label_map_path: "label_map.pbtxt"
  tf_record_input_reader { input_path: "train.tfrecord" } }
eval_config { }
eval_input_reader { label_map_path: "label_map.pbtxt" tf_record_input_reader { input_path: "eval.tfrecord" } }
"""
LABEL_MAP = "item { id: 1 name: 'light' } item { id: 2 name: 'dark' }\n"


def _example(number):
    generator = np.random.default_rng(number)
    image = np.full([96, 112, 3], 128, np.uint8)
    y, x = generator.integers(4, 50), generator.integers(4, 60)
    label = int(generator.integers(1, 3))
    image[y : y + 36, x : x + 40] = 230 if label == 1 else 20

    def feature(**kind):
        name, value = next(iter(kind.items()))
        lists = {"bytes": ("bytes_list", tf.train.BytesList), "floats": ("float_list", tf.train.FloatList)}
        field, make = lists.get(name, ("int64_list", tf.train.Int64List))
        return tf.train.Feature(**{field: make(value=value)})

    features = {
        "image/encoded": feature(bytes=[tf.io.encode_jpeg(image).numpy()]),
        "image/format": feature(bytes=[b"jpeg"]),
        "image/source_id": feature(bytes=[f"picture-{number}".encode()]),
        "image/height": feature(ints=[96]),
        "image/width": feature(ints=[112]),
        "image/object/bbox/ymin": feature(floats=[y / 96]),
        "image/object/bbox/ymax": feature(floats=[(y + 36) / 96]),
        "image/object/bbox/xmin": feature(floats=[x / 112]),
        "image/object/bbox/xmax": feature(floats=[(x + 40) / 112]),
        "image/object/class/label": feature(ints=[label]),
    }
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def _shard(path, numbers):
    with tf.io.TFRecordWriter(str(path)) as writer:
        for number in numbers:
            writer.write(_example(number))
    content = path.read_bytes()
    return Shard(str(path), len(content), hashlib.sha256(content).hexdigest(), len(numbers))


def _split(*shards):
    records = sum(shard.records for shard in shards)
    return Split(split_digest(shards), records, records, {1: 4, 2: 4}, shards)


@pytest.fixture
def project(tmp_path):
    """``folder``, ``manifest``, ``shards``, and ``config(steps, extra)`` that writes a config."""
    label_map = tmp_path / "label_map.pbtxt"
    label_map.write_text(LABEL_MAP)
    shards = [_shard(tmp_path / f"train-{i}.tfrecord", range(4 * i, 4 * i + 4)) for i in range(2)]
    labels = LabelMapFacts(str(label_map), (LabelMapEntry(1, "light"), LabelMapEntry(2, "dark")))
    splits = {"train": _split(*shards), "eval": _split(_shard(tmp_path / "eval.tfrecord", range(8, 10)))}

    def manifest(quarantined=()):
        path = tmp_path / "manifest.json"
        write_manifest(build_manifest(labels, splits, quarantined), path)
        return path

    def config(steps=3, extra=""):
        path = tmp_path / "pipeline.config"
        path.write_text(CONFIG.replace("NUM_STEPS", str(steps)).replace("EXTRA", extra))
        return path

    return SimpleNamespace(
        folder=tmp_path,
        manifest=manifest(),
        write_manifest=manifest,
        shards=shards,
        label_map=label_map,
        config=config,
    )
