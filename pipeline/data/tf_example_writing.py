"""TFRecord shards of TFExamples in the Object Detection API's schema (OD_API_SPEC section 9.1).

Without TensorFlow: drawing processes start in a fraction of a second. The same picture always gives the same
bytes, which a protobuf map does not promise unless it is asked to.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from typing import Any, BinaryIO

from components.data_validation.example_proto import Example
from components.data_validation.framing import masked_crc32c
from pipeline.data.scenes.sequences import Frame


def encode_frame(frame: Frame) -> bytes:
    """One labelled picture as a serialized ``tf.train.Example``; boxes are normalized to 0..1."""
    name = frame.filename.encode()
    boxes = frame.boxes
    example = Example()
    feature = example.features.feature
    feature["image/encoded"].bytes_list.value.append(frame.jpeg)
    feature["image/format"].bytes_list.value.append(b"jpeg")
    feature["image/height"].int64_list.value.append(frame.height)
    feature["image/width"].int64_list.value.append(frame.width)
    feature["image/filename"].bytes_list.value.append(name)
    feature["image/source_id"].bytes_list.value.append(name)
    feature["image/key/sha256"].bytes_list.value.append(hashlib.sha256(frame.jpeg).hexdigest().encode())
    for side in ("ymin", "xmin", "ymax", "xmax"):
        _fill(feature[f"image/object/bbox/{side}"].float_list, [getattr(box, side) for box in boxes])
    _fill(feature["image/object/class/text"].bytes_list, [box.class_name.encode() for box in boxes])
    _fill(feature["image/object/class/label"].int64_list, [box.class_id for box in boxes])
    encoded: bytes = example.SerializeToString(deterministic=True)
    return encoded


def _fill(value_list: Any, values: Sequence[Any]) -> None:
    # An empty list keeps its type: a picture without objects is no picture without labels.
    value_list.SetInParent()
    value_list.value.extend(values)


def write_record(stream: BinaryIO, record: bytes) -> None:
    """Appends one record in TFRecord framing: length, its checksum, the record, its checksum."""
    length = struct.pack("<Q", len(record))
    checksums = [struct.pack("<I", masked_crc32c(content)) for content in (length, record)]
    stream.write(length + checksums[0] + record + checksums[1])
