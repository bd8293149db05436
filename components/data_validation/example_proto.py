"""The ``tf.train.Example`` message without TensorFlow, whose import costs each worker seconds and 400 MB.

The messages are those of TensorFlow's ``example.proto`` and ``feature.proto`` (field numbers and types),
declared under another package name, since only the wire format counts.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_PACKAGE = "urbandet.example"
_Field = descriptor_pb2.FieldDescriptorProto
_LISTS = (
    ("BytesList", _Field.TYPE_BYTES, "bytes_list"),
    ("FloatList", _Field.TYPE_FLOAT, "float_list"),
    ("Int64List", _Field.TYPE_INT64, "int64_list"),
)


def _example_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(
        name="urbandet/example.proto", package=_PACKAGE, syntax="proto3"
    )
    feature = descriptor_pb2.DescriptorProto(name="Feature")
    feature.oneof_decl.add(name="kind")
    for number, (name, value_type, member) in enumerate(_LISTS, start=1):
        value_list = file.message_type.add(name=name)
        value_list.field.add(name="value", number=1, label=_Field.LABEL_REPEATED, type=value_type)
        _add_message_field(feature, member, number, name).oneof_index = 0
    file.message_type.append(feature)
    features = file.message_type.add(name="Features")
    entry = features.nested_type.add(name="FeatureEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, label=_Field.LABEL_OPTIONAL, type=_Field.TYPE_STRING)
    _add_message_field(entry, "value", 2, "Feature")
    _add_message_field(features, "feature", 1, "Features.FeatureEntry").label = _Field.LABEL_REPEATED
    _add_message_field(file.message_type.add(name="Example"), "features", 1, "Features")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Example"))


def _add_message_field(
    message: descriptor_pb2.DescriptorProto, name: str, number: int, type_name: str
) -> descriptor_pb2.FieldDescriptorProto:
    return message.field.add(
        name=name,
        number=number,
        label=_Field.LABEL_OPTIONAL,
        type=_Field.TYPE_MESSAGE,
        type_name=f".{_PACKAGE}.{type_name}",
    )


# Wire-compatible with tf.train.Example.
Example: Any = _example_class()
