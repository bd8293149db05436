from __future__ import annotations

import hashlib
import io

import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.data.scenes.labels import LabelledBox
from pipeline.data.scenes.sequences import Frame
from pipeline.data.tf_example_writing import encode_frame, write_record

share = st.floats(0, 1, width=32)
boxes = st.lists(
    st.builds(
        LabelledBox,
        class_name=st.sampled_from(["vehicle", "pedestrian", "cyclist"]),
        class_id=st.sampled_from([1, 2, 4]),
        ymin=share,
        xmin=share,
        ymax=share,
        xmax=share,
    ),
    max_size=5,
).map(tuple)
frames = st.builds(
    Frame,
    filename=st.text(min_size=1),
    jpeg=st.binary(min_size=1),
    width=st.integers(1, 5000),
    height=st.integers(1, 5000),
    boxes=boxes,
)


@given(frames)
@settings(deadline=None, max_examples=60)
def test_tensorflow_reads_what_was_written(frame):
    example = tf.train.Example.FromString(encode_frame(frame))
    feature = example.features.feature
    assert feature["image/encoded"].bytes_list.value == [frame.jpeg]
    assert feature["image/format"].bytes_list.value == [b"jpeg"]
    assert feature["image/height"].int64_list.value == [frame.height]
    assert feature["image/width"].int64_list.value == [frame.width]
    for key in ("image/filename", "image/source_id"):
        assert feature[key].bytes_list.value == [frame.filename.encode()]
    assert feature["image/key/sha256"].bytes_list.value == [hashlib.sha256(frame.jpeg).hexdigest().encode()]
    for side in ("ymin", "xmin", "ymax", "xmax"):
        key = f"image/object/bbox/{side}"
        assert list(feature[key].float_list.value) == [getattr(box, side) for box in frame.boxes]
        assert feature[key].WhichOneof("kind") == "float_list"
    assert list(feature["image/object/class/label"].int64_list.value) == [box.class_id for box in frame.boxes]
    texts = [box.class_name.encode() for box in frame.boxes]
    assert list(feature["image/object/class/text"].bytes_list.value) == texts
    assert len(feature) == 13


@given(frames)
@settings(deadline=None, max_examples=30)
def test_equal_frames_are_equal_bytes(frame):
    assert encode_frame(frame) == encode_frame(frame)


@given(st.lists(st.binary(max_size=300), max_size=6))
@settings(deadline=None, max_examples=25)
def test_framing_is_tensorflows(tmp_path_factory, contents):
    path = tmp_path_factory.mktemp("framing") / "shard.tfrecord"
    stream = io.BytesIO()
    for content in contents:
        write_record(stream, content)
    path.write_bytes(stream.getvalue())
    assert [record.numpy() for record in tf.data.TFRecordDataset(str(path))] == contents
