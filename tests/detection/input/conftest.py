"""Small TFRecords, made by hand for each test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format

from detection.config import pipeline_pb2 as pb
from detection.config.label_map import LabelMap, LabelMapItem


def _feature(values: Sequence[Any]) -> tf.train.Feature:
    first = values[0] if len(values) else 0.0
    if isinstance(first, bytes):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
    if isinstance(first, (int, np.integer)):
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values))
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))


def serialized_example(
    image: np.ndarray | bytes,
    boxes: Sequence[Sequence[float]] = (),
    **features: Sequence[Any],
) -> bytes:
    """A record with ``boxes`` yxyx; other features by their key after ``image/``, ``__`` for ``/``."""
    encoded = image if isinstance(image, bytes) else tf.io.encode_png(image).numpy()
    columns = np.asarray(boxes, np.float32).reshape(-1, 4).T.tolist()
    values: dict[str, Sequence[Any]] = {"image/encoded": [encoded]}
    for side, column in zip(("ymin", "xmin", "ymax", "xmax"), columns, strict=True):
        values[f"image/object/bbox/{side}"] = column
    for key, value in features.items():
        values["image/" + key.replace("__", "/")] = value
    feature = {key: _feature(value) for key, value in values.items()}
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


def written_records(path: Path, records: Sequence[bytes]) -> str:
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)
    return str(path)


@pytest.fixture
def example() -> Callable[..., bytes]:
    return serialized_example


@pytest.fixture
def write_records(tmp_path: Path) -> Callable[..., str]:
    """(name, records) -> path of a TFRecord file."""
    return lambda name, records: written_records(tmp_path / name, records)


@pytest.fixture
def label_map() -> LabelMap:
    return LabelMap(
        (
            LabelMapItem(1, "vehicle", "Vehicle"),
            LabelMapItem(2, "pedestrian", ""),
            LabelMapItem(3, "cyclist", ""),
        )
    )


@pytest.fixture
def make_config() -> Callable[..., Any]:
    """(train reader text, augmentation text, eval reader text, num_classes) -> config."""

    def make(reader: str = "", augmentation: str = "", eval_reader: str = "", num_classes: int = 3) -> Any:
        text = f"""
            model {{ ssd {{ num_classes: {num_classes} }} }}
            train_config {{ {augmentation} }}
            train_input_reader {{ {reader} }}
            eval_input_reader {{ {eval_reader} }}
        """
        return text_format.Parse(text, pb.TrainEvalPipelineConfig())

    return make


@pytest.fixture
def identity_preprocess() -> Callable[[Any], tuple[Any, Any]]:
    return lambda image: (image, tf.shape(image))
