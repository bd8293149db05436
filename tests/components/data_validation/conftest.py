"""Small datasets, and what can be wrong with them."""

from __future__ import annotations

import io
import json
import struct
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from components.data_validation.example_proto import Example
from components.data_validation.framing import masked_crc32c
from components.data_validation.step import ValidationOutputs, ValidationRequest, validate_data

LABEL_MAP = "".join(
    f"item {{ id: {class_id} name: '{name}' }}\n"
    for class_id, name in ((1, "vehicle"), (2, "pedestrian"), (4, "cyclist"))
)
NAMES = {1: b"vehicle", 2: b"pedestrian", 4: b"cyclist"}
BOXES = [(0.1, 0.1, 0.5, 0.4), (0.2, 0.3, 0.9, 0.6), (0.0, 0.5, 1.0, 0.75)]


def encode(seed: int, form: str = "JPEG", mode: str = "RGB", size: tuple[int, int] = (48, 32)) -> bytes:
    """An image of width and height ``size``, different for each seed."""
    channels = len(Image.new(mode, (1, 1)).getbands())
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], channels), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels.squeeze(), mode).save(stream, form)
    return stream.getvalue()


def features(seed: int, **changes) -> dict:
    """The features of a clean record with all three classes; ``changes`` by the last part of the name."""
    sides = zip(("ymin", "xmin", "ymax", "xmax"), zip(*BOXES, strict=True), strict=True)
    values = {
        "image/encoded": [encode(seed)],
        "image/format": [b"jpeg"],
        "image/height": [32],
        "image/width": [48],
        "image/source_id": [b"sequence_%d" % seed],
        **{f"image/object/bbox/{side}": list(map(float, column)) for side, column in sides},
        "image/object/class/label": [1, 2, 4],
        "image/object/class/text": [NAMES[1], NAMES[2], NAMES[4]],
    }
    for short, value in changes.items():
        name = next(name for name in values if name.rsplit("/", 1)[-1] == short)
        if value is None:
            del values[name]
        else:
            values[name] = value
    return values


def serialize(values: dict) -> bytes:
    """The features as an example; the type of a list is that of its first value, bytes where it is empty."""
    example = Example()
    for name, items in values.items():
        first = items[0] if items else b""
        kind = {bytes: "bytes_list", int: "int64_list", float: "float_list"}[type(first)]
        getattr(example.features.feature[name], kind).value.extend(items)
    return example.SerializeToString()


def frame(data: bytes) -> bytes:
    """One TFRecord."""
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", masked_crc32c(length)) + data + struct.pack("<I", masked_crc32c(data))


@pytest.fixture(scope="session")
def building():
    """The functions above, for the tests."""
    return SimpleNamespace(encode=encode, features=features, serialize=serialize, frame=frame, boxes=BOXES)


class Dataset:
    """A dataset in a folder: two training shards of three records, an evaluation shard of two."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.records = {
            "train-0": [serialize(features(seed)) for seed in (0, 1, 2)],
            "train-1": [serialize(features(seed)) for seed in (3, 4, 5)],
            "eval-0": [serialize(features(seed)) for seed in (6, 7)],
        }
        self.label_map = LABEL_MAP

    def path(self, shard: str) -> Path:
        return self.folder / f"{shard}.tfrecord"

    def write(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "label_map.pbtxt").write_text(self.label_map)
        for shard, records in self.records.items():
            self.path(shard).write_bytes(b"".join(map(frame, records)))

    def validate(self, num_classes: int = 0, policy: str = "", write: bool = True, workers: int = 0):
        if write:
            self.write()
        request = ValidationRequest(
            f"{self.folder}/train-*.tfrecord",
            f"{self.folder}/eval-*.tfrecord",
            str(self.folder / "label_map.pbtxt"),
            num_classes,
            policy,
            workers,
        )
        return validate_data(request, ValidationOutputs.in_folder(self.folder / "out"))

    def findings(self) -> list[dict]:
        return json.loads((self.folder / "out" / "findings.json").read_text())


@pytest.fixture
def dataset(tmp_path) -> Dataset:
    return Dataset(tmp_path / "data")


@pytest.fixture
def dataset_in():
    return Dataset
