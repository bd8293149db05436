from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from detection.errors import ConfigError
from detection.groundtruth import EvalGroundtruth
from detection.input.eval_dataset import build_eval_dataset


@pytest.fixture
def files(example: Callable[..., bytes], write_records: Callable[..., str]) -> list[str]:
    def record(number: int) -> bytes:
        image = np.full((10 + number, 16, 3), 20 * number, np.uint8)
        boxes = [[0.0, 0.0, 0.5, 0.5]] * number
        options: dict[str, Any] = (
            {"object__class__label": [1 + i % 3 for i in range(number)]} if number else {}
        )
        if number == 2:
            options |= {"object__is_crowd": [0, 1], "object__area": [12.5, 4.0]}
        return example(image, boxes, source_id=[f"r{number}".encode()], **options)

    return [write_records("a", [record(0), record(1), record(2)]), write_records("b", [record(3), record(4)])]


def _preprocess(image: Any) -> tuple[Any, Any]:
    return tf.image.resize(image, [6, 6], method="nearest") - 100.0, tf.constant([6, 6, 3])


def _build(config: Any, files: list[str], **options: Any) -> list[Any]:
    arguments = {
        "label_map": None,
        "preprocess": _preprocess,
        "image_shape": (6, 6),
        "batch_size": 2,
        **options,
    }
    return list(build_eval_dataset(config, files=files, **arguments))


def test_one_pass_in_order_and_the_tail_is_kept(make_config: Callable, files: list[str]) -> None:
    batches = _build(make_config(eval_reader="shuffle: true num_epochs: 0"), files)
    assert [len(features["image"]) for features, _ in batches] == [2, 2, 1]
    joined = {name: np.concatenate([f[name].numpy() for f, _ in batches]) for name in batches[0][0]}
    assert joined["record_index"].tolist() == [0, 1, 2, 3, 4]
    assert joined["source_id"].tolist() == [b"r0", b"r1", b"r2", b"r3", b"r4"]
    assert joined["original_shape"].tolist() == [[10 + i, 16] for i in range(5)]
    assert joined["num_boxes"].tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(joined["image"][:, 0, 0, 0], [20.0 * i - 100 for i in range(5)])
    assert tf.io.decode_png(joined["encoded_image"][3]).shape == (13, 16, 3)


def test_groundtruth_has_crowds_areas_and_ids(make_config: Callable, files: list[str]) -> None:
    truths = [truth for _, truth in _build(make_config(), files)]
    assert all(isinstance(truth, EvalGroundtruth) for truth in truths)
    third = EvalGroundtruth(*(values[0].numpy() for values in truths[1]))
    assert third.is_crowd[:3].tolist() == [0, 1, 0]
    assert third.area[:3].tolist() == [12.5, 4.0, 0.0]
    assert third.labels[:3].tolist() == [1, 2, 0]
    assert third.weights[:3].tolist() == [1, 1, 0]
    assert truths[0].area.shape == truths[0].is_crowd.shape == truths[0].labels.shape == (2, 100)


def test_cut_off_boxes_are_told(make_config: Callable, files: list[str]) -> None:
    batches = _build(make_config(eval_reader="max_number_of_boxes: 3"), files)
    last = batches[-1][0]
    assert (last["num_boxes"].numpy().tolist(), last["num_boxes_in_record"].numpy().tolist()) == ([3], [4])


def test_a_config_without_an_eval_reader_takes_the_defaults(make_config: Callable, files: list[str]) -> None:
    config = make_config()
    del config.eval_input_reader[:]
    assert len(_build(config, files)) == 3


def test_different_sizes_need_batches_of_one(
    make_config: Callable, files: list[str], identity_preprocess: Callable
) -> None:
    options = {"image_shape": None, "preprocess": identity_preprocess}
    with pytest.raises(ConfigError, match="different sizes"):
        _build(make_config(), files, **options)
    batches = _build(make_config(), files, batch_size=1, **options)
    assert [tuple(features["image"].shape) for features, _ in batches] == [
        (1, 10 + i, 16, 3) for i in range(5)
    ]
    assert batches[4][0]["true_image_shape"].numpy().tolist() == [[14, 16, 3]]
