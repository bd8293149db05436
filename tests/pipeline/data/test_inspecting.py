from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from components.data_validation.example_proto import Example
from detection.errors import DataError
from pipeline.data.drawing import ContactSheet, draw_record
from pipeline.data.inspecting import Record, ShardSummary, find_shards, read_records
from pipeline.data.tf_example_writing import write_record


def record(encoded: bytes = b"", boxes=(), labels=(), texts=(), width=64, height=48) -> Record:
    rows = np.array(boxes, np.float32).reshape(-1, 4)
    return Record("shard", 0, encoded, "name", width, height, rows, tuple(labels), tuple(texts))


def png(width: int = 64, height: int = 48) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (width, height), "black").save(stream, "PNG")
    return stream.getvalue()


def write_shard(path, contents: list[bytes]) -> None:
    with path.open("wb") as stream:
        for content in contents:
            write_record(stream, content)


def test_real_images_are_counted(shared_dir):
    summary = ShardSummary("real")
    for found in read_records(str(shared_dir / "data" / "real" / "waymo_frame_640.tfrecord")):
        summary.add(found)
    assert summary.records == 5 and summary.sizes == {"640x640": 5}
    assert summary.boxes_by_class == {"vehicle (1)": 50, "pedestrian (2)": 15, "cyclist (4)": 1}


def test_totals_are_sums():
    total = ShardSummary("total")
    for boxes in ([(0, 0, 0.5, 1)], [(0, 0, 0.25, 1), (0, 0, 1, 1)], []):
        one = ShardSummary("one")
        one.add(record(boxes=boxes, labels=[1] * len(boxes)))
        total.merge(one)
    facts = total.as_json()
    assert (facts["records"], facts["boxes"], facts["images_without_boxes"]) == (3, 3, 1)
    assert (facts["least_box_height"], facts["most_box_height"]) == (0.25, 1.0)
    assert facts["boxes_by_class"] == {"(1)": 3}


@pytest.mark.parametrize(
    ("labels", "texts", "names"),
    [
        ([1, 2], ["car", "bus"], ["car (1)", "bus (2)"]),
        ([1], [], ["(1)", "?"]),
        ([], ["car", "bus"], ["car", "bus"]),
    ],
)
def test_boxes_are_named_by_what_is_there(labels, texts, names):
    assert record(boxes=[(0, 0, 1, 1)] * 2, labels=labels, texts=texts).class_names() == names


def test_a_missing_file_is_named():
    with pytest.raises(DataError, match="nowhere"):
        find_shards(["/nowhere/at-all-*.tfrecord"])


def test_patterns_that_overlap_name_a_shard_once(tmp_path):
    for name in ("a-0.tfrecord", "a-1.tfrecord"):
        write_shard(tmp_path / name, [])
    assert len(find_shards([str(tmp_path / "a-*"), str(tmp_path / "a-1.tfrecord")])) == 2


@pytest.mark.parametrize(("cut", "flip"), [(3, None), (None, 20), (None, 2)])
def test_a_damaged_file_is_one_clear_error(tmp_path, cut, flip):
    path = tmp_path / "shard.tfrecord"
    write_shard(path, [Example().SerializeToString() + bytes([0x7A, 16]) + b"x" * 16] * 2)
    content = bytearray(path.read_bytes())
    if flip is not None:
        content[flip] ^= 0xFF
    path.write_bytes(bytes(content[: -cut if cut else None]))
    with pytest.raises(DataError, match="damaged") as raised:
        list(read_records(str(path)))
    assert "record" in raised.value.details["field"] and str(path) in str(raised.value)


def test_something_else_than_an_example_is_named(tmp_path):
    write_shard(tmp_path / "shard.tfrecord", [b"\xff\xff\xff"])
    with pytest.raises(DataError, match="no TFExample"):
        list(read_records(str(tmp_path / "shard.tfrecord")))


def test_uneven_box_lists_are_named(tmp_path):
    example = Example()
    example.features.feature["image/object/bbox/ymin"].float_list.value.append(0.1)
    write_shard(tmp_path / "shard.tfrecord", [example.SerializeToString()])
    with pytest.raises(DataError, match="differ in length"):
        list(read_records(str(tmp_path / "shard.tfrecord")))


def test_the_drawn_frame_is_where_the_box_is():
    picture = np.asarray(draw_record(record(png(), [(0.5, 0.25, 0.75, 0.5)], [1], [""])))
    rows, columns = np.nonzero((picture == (0x39, 0xD3, 0x53)).all(axis=2))
    assert rows.max() == 35 and columns.min() == 16
    assert (picture[30, 16] == (0x39, 0xD3, 0x53)).all() and (picture[30, 31] == (0x39, 0xD3, 0x53)).all()
    assert (picture[30, 20] == 0).all()


def test_an_undecodable_picture_is_named():
    with pytest.raises(DataError, match="cannot be decoded"):
        draw_record(record(b"not a picture"))


def test_a_huge_picture_is_refused_before_it_is_decoded(monkeypatch):
    monkeypatch.setattr("pipeline.data.drawing.MOST_PIXELS", 1000)
    with pytest.raises(DataError, match="too large"):
        draw_record(record(png()))


def test_inverted_boxes_do_not_stop_the_drawing():
    draw_record(record(png(), [(0.9, 0.9, 0.1, 0.1)], [1], ["a"]))


def test_a_contact_sheet_shows_every_picture(tmp_path):
    sheet = ContactSheet(columns=2, side=32)
    for colour in ("red", "lime", "blue"):
        sheet.add(Image.new("RGB", (64, 64), colour))
    sheet.save(tmp_path / "sheet.png")
    image = Image.open(tmp_path / "sheet.png")
    assert image.size == (64, 64)
    assert [image.getpixel(place) for place in ((16, 16), (48, 16), (16, 48))] == [
        (255, 0, 0),
        (0, 255, 0),
        (0, 0, 255),
    ]
