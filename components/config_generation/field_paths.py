"""Reading and setting a config's fields by path: ``model.ssd.loss.classification_weight``.

An element of a repeated message is named by its index: ``train_config.data_augmentation_options[0]``.
"""

from __future__ import annotations

import math
import re
from collections.abc import MutableSequence
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from detection.config.reading import near_names, parse_message
from detection.errors import ConfigError

_STEP = re.compile(r"(?P<name>\w+)(\[(?P<index>\d+)\])?")


def get_field(config: Message, path: str) -> Any:
    """The value at ``path``; a plain field that is not set gives its default.

    Raises:
        ConfigError: There is no such field.
    """
    owner, name, index = _resolve(config, path)
    value = getattr(owner, name)
    return value if index is None else _element(value, index, path)


def set_field(config: Message, path: str, value: Any) -> None:
    """Sets the field at ``path`` in place.

    Args:
        config: The message to change.
        path: The field.
        value: A plain value (an enum by its name), a list for a repeated field, text proto for a message,
            or None to remove the field.

    Raises:
        ConfigError: There is no such field, or the value does not fit it.
    """
    owner, name, index = _resolve(config, path)
    field = owner.DESCRIPTOR.fields_by_name[name]
    if index is not None:
        raise ConfigError(
            "An override cannot set one element of a list.",
            field=path,
            mend=f"set the whole list {path.rpartition('[')[0]}, or a field below the element",
        )
    content = getattr(owner, name)
    if value is None:
        owner.ClearField(name)
    elif isinstance(content, Message):
        if not isinstance(value, str):
            raise _misfit(path, value, "text proto, as in a pipeline.config")
        content.CopyFrom(parse_message(value, type(content)(), f"the value of {path}"))
        content.SetInParent()
    elif isinstance(content, MutableSequence):
        _set_list(owner, field, path, value)
    else:
        setattr(owner, name, _fitted(field, path, value, owner, name))


def _set_list(owner: Message, field: Any, path: str, value: Any) -> None:
    if field.message_type is not None:
        if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
            raise _misfit(path, value, "a list of text protos")
        new = [
            parse_message(text, getattr(owner, field.name).add(), f"an element of {path}") for text in value
        ]
        del getattr(owner, field.name)[: -len(new) or None]
        return
    if not isinstance(value, list):
        raise _misfit(path, value, "a list")
    checked = [_fitted(field, path, element, None, "") for element in value]
    try:
        getattr(owner, field.name)[:] = checked
    except (TypeError, ValueError):
        raise _misfit(path, value, f"a list of {_kind(field)}") from None


def _fitted(field: Any, path: str, value: Any, owner: Message | None, name: str) -> Any:
    """``value`` in the field's own type; refuses what protobuf would quietly turn into something else."""
    kinds = _accepted(field)
    if field.cpp_type == FieldDescriptor.CPPTYPE_ENUM:
        numbers = {entry.name: entry.number for entry in field.enum_type.values}
        if value not in numbers:
            raise _misfit(path, value, "one of " + ", ".join(numbers))
        return numbers[value]
    if (isinstance(value, bool) and bool not in kinds) or not isinstance(value, kinds):
        raise _misfit(path, value, _kind(field))
    if isinstance(value, float) and not math.isfinite(value):
        raise _misfit(path, value, "a finite number")
    if owner is not None:
        try:
            setattr(type(owner)(), name, value)
        except (TypeError, ValueError):
            raise _misfit(path, value, _kind(field)) from None
    return value


def _accepted(field: Any) -> tuple[type, ...]:
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return (bool,)
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return (str,)
    if field.cpp_type in (FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE):
        return (int, float)
    return (int,)


def _kind(field: Any) -> str:
    if field.cpp_type == FieldDescriptor.CPPTYPE_UINT32:
        return "a whole number of 0 or more"
    return {
        (bool,): "true or false",
        (str,): "text",
        (int, float): "a number",
        (int,): "a whole number",
    }[_accepted(field)]


def _misfit(path: str, value: Any, expected: str) -> ConfigError:
    return ConfigError("The value does not fit the field.", field=path, found=repr(value), expected=expected)


def _resolve(config: Message, path: str) -> tuple[Message, str, int | None]:
    """The message that owns the last field of ``path``, that field's name, and its index if it has one."""
    owner = config
    steps = path.split(".")
    for number, step in enumerate(steps):
        match = _STEP.fullmatch(step)
        known = list(owner.DESCRIPTOR.fields_by_name)
        if match is None or match["name"] not in known:
            raise ConfigError(
                f"{owner.DESCRIPTOR.name} has no such field.",
                field=path,
                found=step,
                expected=near_names(step, known),
            )
        name, index = match["name"], None if match["index"] is None else int(match["index"])
        if number == len(steps) - 1:
            return owner, name, index
        value = getattr(owner, name)
        if index is not None:
            value = _element(value, index, path)
        if not isinstance(value, Message):
            mend = "name an element, such as [0]" if isinstance(value, MutableSequence) else None
            raise ConfigError("A field path goes on below a plain value.", field=path, found=step, mend=mend)
        owner = value
    raise AssertionError("a path has at least one step")


def _element(values: Any, index: int, path: str) -> Any:
    if not isinstance(values, MutableSequence):
        raise ConfigError("An index stands at a field that is no list.", field=path)
    if index >= len(values):
        raise ConfigError(
            "There is no such element.", field=path, found=index, expected=f"{len(values)} elements"
        )
    return values[index]
