from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from detection.config.label_map import LabelMap
from detection.errors import ConfigError, DataError
from detection.groundtruth import Groundtruth
from detection.input.reading_errors import reading_errors
from detection.input.train_dataset import build_train_dataset

AUGMENTATION = """
data_augmentation_options { random_horizontal_flip {} }
data_augmentation_options { random_crop_image { min_object_covered: 0 overlap_thresh: 0 } }
data_augmentation_options { random_adjust_brightness { max_delta: 0.05 } }
data_augmentation_options { random_black_patches {} }
"""
SIZE = (8, 12)


def _resized(image: Any) -> tuple[Any, Any]:
    image = tf.compat.v1.image.resize_bilinear((image * (2 / 255) - 1)[tf.newaxis], SIZE)[0]
    return image, tf.constant([*SIZE, 3])


def _record(example: Callable[..., bytes], number: int, boxes: int = 2) -> bytes:
    image = np.random.default_rng(number).integers(0, 256, (16, 20, 3), dtype=np.uint8)
    return example(
        image,
        [[0.1, 0.2, 0.5 + 0.001 * i, 0.6] for i in range(boxes)],
        object__class__label=[1 + i % 3 for i in range(boxes)],
        source_id=[f"r{number}".encode()],
    )


@pytest.fixture
def files(example: Callable[..., bytes], write_records: Callable[..., str]) -> list[str]:
    return [
        write_records(f"{shard}.tfrecord", [_record(example, 5 * shard + i) for i in range(5)])
        for shard in range(2)
    ]


def _build(config: Any, files: Sequence[str], **options: Any) -> tf.data.Dataset:
    arguments = {
        "label_map": None,
        "preprocess": _resized,
        "image_shape": SIZE,
        "batch_size": 4,
        "seed": 7,
        **options,
    }
    return build_train_dataset(config, files=files, **arguments)


def _numpy(dataset: tf.data.Dataset, count: int) -> list[list[np.ndarray]]:
    return [[value.numpy() for value in tf.nest.flatten(batch)] for batch in dataset.take(count)]


def _assert_equal(left: list[list[np.ndarray]], right: list[list[np.ndarray]]) -> None:
    assert len(left) == len(right) > 0
    for one, two in zip(left, right, strict=True):
        for a, b in zip(one, two, strict=True):
            np.testing.assert_array_equal(a, b)


def test_shapes_are_static(make_config: Callable, files: list[str]) -> None:
    features, groundtruth = _build(make_config(augmentation=AUGMENTATION), files).element_spec
    assert {name: (spec.shape.as_list(), spec.dtype) for name, spec in features.items()} == {
        "image": ([4, 8, 12, 3], tf.float32),
        "true_image_shape": ([4, 3], tf.int32),
        "source_id": ([4], tf.string),
        "num_boxes": ([4], tf.int32),
    }
    assert isinstance(groundtruth, Groundtruth)
    assert [spec.shape.as_list() for spec in groundtruth] == [[4, 100, 4], [4, 100, 3], [4, 100]]
    assert {spec.dtype for spec in groundtruth} == {tf.float32}


def test_values_without_augmentation(
    make_config: Callable, example: Callable[..., bytes], write_records: Callable[..., str]
) -> None:
    path = write_records("one", [_record(example, 3)])
    features, groundtruth = next(iter(_build(make_config("shuffle: false"), [path], batch_size=1)))
    image = np.random.default_rng(3).integers(0, 256, (16, 20, 3), dtype=np.uint8)
    np.testing.assert_array_equal(features["image"][0], _resized(tf.constant(image, tf.float32))[0])
    assert features["source_id"].numpy().tolist() == [b"r3"]
    assert features["num_boxes"].numpy().tolist() == [2]
    np.testing.assert_allclose(
        groundtruth.boxes_yxyx_normalized[0, :2], [[0.1, 0.2, 0.5, 0.6], [0.1, 0.2, 0.501, 0.6]], rtol=1e-6
    )
    assert groundtruth.classes_one_hot[0, :2].numpy().tolist() == [[1, 0, 0], [0, 1, 0]]
    assert groundtruth.weights[0, :3].numpy().tolist() == [1, 1, 0]
    for rows in groundtruth:
        assert not rows.numpy()[0, 2:].any()


@pytest.mark.parametrize("skip", [2, 6])
def test_a_continued_run_gets_the_same_batches(make_config: Callable, files: list[str], skip: int) -> None:
    config = make_config(augmentation=AUGMENTATION)
    whole = _numpy(_build(config, files), 8)
    _assert_equal(_numpy(_build(config, files, skip_batches=skip), 8 - skip), whole[skip:])


def test_the_same_dataset_gives_the_same_batches_every_time(make_config: Callable, files: list[str]) -> None:
    config = make_config(augmentation="data_augmentation_options { random_pixel_value_scale {} }")
    dataset = _build(config, files)
    first = _numpy(dataset, 4)
    _assert_equal(_numpy(dataset, 4), first)
    other = _numpy(_build(config, files, seed=8), 1)
    assert not np.array_equal(other[0][0], first[0][0])


def test_batches_go_over_the_end_of_an_epoch_without_loss(make_config: Callable, files: list[str]) -> None:
    sources = [
        name for batch in _build(make_config(), files).take(5) for name in batch[0]["source_id"].numpy()
    ]
    assert Counter(sources) == {f"r{i}".encode(): 2 for i in range(10)}
    assert len(set(sources[:10])) == 10


def test_augmentation_differs_between_epochs(
    make_config: Callable, example: Callable[..., bytes], write_records: Callable[..., str]
) -> None:
    path = write_records("one", [_record(example, 3)])
    dataset = _build(make_config(augmentation=AUGMENTATION), [path], batch_size=6)
    assert len({image.tobytes() for image in next(iter(dataset))[0]["image"].numpy()}) == 6


def test_more_boxes_than_room_are_cut(
    make_config: Callable, example: Callable[..., bytes], write_records: Callable[..., str]
) -> None:
    path = write_records("many", [_record(example, 1, boxes=7)])
    features, groundtruth = next(iter(_build(make_config("max_number_of_boxes: 5"), [path], batch_size=1)))
    assert features["num_boxes"].numpy().tolist() == [5]
    assert groundtruth.weights.numpy().tolist() == [[1.0] * 5]
    assert groundtruth.boxes_yxyx_normalized.shape == (1, 5, 4)


def test_boxes_shrink_with_a_padding_resizer(make_config: Callable, files: list[str]) -> None:
    def padded(image: Any) -> tuple[Any, Any]:
        resized = tf.compat.v1.image.resize_bilinear(image[tf.newaxis], [16, 24])[0]
        return tf.pad(resized, [[0, 16], [0, 8], [0, 0]]), tf.constant([16, 24, 3])

    dataset = _build(make_config(), files, preprocess=padded, image_shape=(32, 32))
    features, groundtruth = next(iter(dataset))
    assert features["true_image_shape"].numpy().tolist() == [[16, 24, 3]] * 4
    np.testing.assert_allclose(groundtruth.boxes_yxyx_normalized[0, 0], [0.05, 0.15, 0.25, 0.45], rtol=1e-6)


def test_labels_beyond_the_classes_give_a_row_of_zeros_with_weight(
    make_config: Callable, example: Callable[..., bytes], write_records: Callable[..., str]
) -> None:
    record = example(np.zeros((4, 4, 3), np.uint8), [[0, 0, 1, 1]] * 4, object__class__label=[0, 3, 4, 1])
    groundtruth = next(iter(_build(make_config(), [write_records("ids", [record])], batch_size=1)))[1]
    assert groundtruth.classes_one_hot[0, :4].numpy().tolist() == [[0] * 3, [0, 0, 1], [0] * 3, [1, 0, 0]]
    assert groundtruth.weights[0, :5].numpy().tolist() == [1, 1, 1, 1, 0]


def test_weights_stay_with_their_boxes_when_unknown_ones_are_dropped(
    make_config: Callable,
    example: Callable[..., bytes],
    write_records: Callable[..., str],
    label_map: LabelMap,
) -> None:
    record = example(
        np.zeros((4, 4, 3), np.uint8),
        [[0, 0, 0.1 * i, 1] for i in range(1, 4)],
        object__class__text=[b"ufo", b"Vehicle", b"cyclist"],
        object__weight=[0.1, 0.2, 0.3],
    )
    dataset = _build(make_config(), [write_records("w", [record])], batch_size=1, label_map=label_map)
    groundtruth = next(iter(dataset))[1]
    np.testing.assert_allclose(groundtruth.weights[0, :4], [0.2, 0.3, 0, 0])
    np.testing.assert_allclose(groundtruth.boxes_yxyx_normalized[0, :2, 2], [0.2, 0.3], rtol=1e-6)


def test_a_bad_record_names_itself(
    make_config: Callable, example: Callable[..., bytes], write_records: Callable[..., str]
) -> None:
    bad = example(
        np.zeros((4, 4, 3), np.uint8), [[0.9, 0, 0.1, 1]], object__class__label=[1], source_id=[b"bad-one"]
    )
    dataset = _build(make_config(), [write_records("b", [bad])], batch_size=1)
    with pytest.raises(DataError) as caught, reading_errors():
        next(iter(dataset))
    assert "bad-one" in caught.value.details["found"]


def test_a_flipped_bit_is_a_data_error(make_config: Callable, files: list[str]) -> None:
    data = bytearray(Path(files[0]).read_bytes())
    data[200] ^= 1
    Path(files[0]).write_bytes(bytes(data))
    with pytest.raises(DataError, match="corrupt"), reading_errors():
        list(_build(make_config("num_epochs: 1"), files))


@pytest.mark.parametrize(
    ("reader", "augmentation", "options", "field"),
    [
        ("load_instance_masks: true", "", {}, "train_input_reader.load_instance_masks"),
        ("num_keypoints: 3", "", {}, "train_input_reader.num_keypoints"),
        ("input_type: TF_SEQUENCE_EXAMPLE", "", {}, "train_input_reader.input_type"),
        ("max_number_of_boxes: 0", "", {}, "train_input_reader.max_number_of_boxes"),
        ("", "merge_multiple_label_boxes: true", {}, "train_config.merge_multiple_label_boxes"),
        ("", "use_multiclass_scores: true", {}, "train_config.use_multiclass_scores"),
        ("", "", {"image_shape": None}, "model.ssd.image_resizer"),
        ("num_epochs: 1", "", {"batch_size": 11}, "train_config.batch_size"),
    ],
)
def test_what_is_not_supported_is_refused(
    make_config: Callable, files: list[str], reader: str, augmentation: str, options: dict, field: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        _build(make_config(reader, augmentation), files, **options)
    assert caught.value.details["field"] == field


def test_a_model_that_is_no_ssd_is_refused(make_config: Callable, files: list[str]) -> None:
    config = make_config()
    config.model.faster_rcnn.SetInParent()
    with pytest.raises(ConfigError, match="model"):
        _build(config, files)
    with pytest.raises(ConfigError, match="no class"):
        _build(make_config(num_classes=0), files)


def test_real_frames(make_config: Callable, shared_dir: Path) -> None:
    path = str(shared_dir / "data" / "real" / "waymo_frame_640.tfrecord")
    features, groundtruth = next(iter(_build(make_config(num_classes=4), [path], batch_size=5)))
    assert int(tf.reduce_sum(features["num_boxes"])) == 66
    assert tf.reduce_sum(groundtruth.classes_one_hot, [0, 1]).numpy().tolist() == [50, 15, 0, 1]
