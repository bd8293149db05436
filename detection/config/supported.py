"""Refuses a config that asks for what we do not honour, naming every field at once (DESIGN decision D1)."""

from __future__ import annotations

import math
from collections.abc import Iterator, MutableSequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from detection.config import pipeline_pb2 as pb
from detection.config.model_contradictions import model_contradictions
from detection.config.model_support import REQUIRED
from detection.config.support_rules import Problem, Rule, shown
from detection.config.support_table import SUPPORTED
from detection.config.training_contradictions import training_contradictions
from detection.errors import ConfigError

_PACKAGE = "object_detection.protos."


@dataclass(frozen=True)
class _SetField:
    """One field that a config sets; of a repeated field one element."""

    path: str
    owner: Message
    field: Any
    value: Any
    repeated: bool

    @property
    def rule(self) -> Rule | None:
        name = self.owner.DESCRIPTOR.full_name.removeprefix(_PACKAGE)
        return SUPPORTED.get(name, {}).get(self.field.name)


def check_supported(config: pb.TrainEvalPipelineConfig, source: object = None) -> list[str]:
    """Checks every set field of a config, and that the fields fit each other.

    Args:
        config: A complete config; its input readers and checkpoint may still be open.
        source: The file it comes from, for the error.

    Returns:
        Warnings in words: fields that are read and have no effect, in the config's order.

    Raises:
        ConfigError: Names by full path every field that is not honoured, is missing or contradicts another,
            with what was found and what is supported.
    """
    problems: list[Problem] = []
    warnings: list[str] = []
    for entry in _set_fields(config, ""):
        problem = _problem_of(entry)
        if problem:
            problems.append(problem)
        elif entry.rule and entry.rule.warning and not _is_default(entry):
            warnings.append(f"{entry.path} has no effect: {entry.rule.warning}.")
    problems += _missing(config)
    if config.model.HasField("ssd"):
        problems += model_contradictions(config.model.ssd)
    problems += training_contradictions(config)
    if problems:
        raise _error(problems, source)
    return warnings + _notes(config)


def _set_fields(message: Message, prefix: str) -> Iterator[_SetField]:
    """All set fields below ``message``; what stands below a refused message is left out."""
    for field, content in message.ListFields():
        repeated = isinstance(content, MutableSequence)
        for index, value in enumerate(content if repeated else [content]):
            number = f"[{index}]" if repeated and field.message_type else ""
            entry = _SetField(f"{prefix}{field.name}{number}", message, field, value, repeated)
            yield entry
            if isinstance(value, Message) and entry.rule is not None:
                yield from _set_fields(value, entry.path + ".")


def _problem_of(entry: _SetField) -> Problem | None:
    if entry.rule is None:
        if _is_default(entry):
            return None
        return Problem(entry.path, _shown_value(entry), _alternatives(entry))
    if isinstance(entry.value, float) and not math.isfinite(entry.value):
        return Problem(entry.path, _shown_value(entry), "a finite number")
    if entry.field.message_type is not None or entry.rule.accepts(_plain(entry)):
        return None
    return Problem(entry.path, _shown_value(entry), entry.rule.supported)


def _is_default(entry: _SetField) -> bool:
    if entry.field.message_type is not None or entry.repeated:
        return False
    return bool(entry.value == entry.field.default_value)


def _plain(entry: _SetField) -> Any:
    if entry.field.cpp_type == FieldDescriptor.CPPTYPE_ENUM:
        number = entry.field.enum_type.values_by_number.get(entry.value)
        return number.name if number else entry.value
    return entry.value


def _shown_value(entry: _SetField) -> str:
    if entry.field.message_type is not None:
        return entry.field.name
    return shown(_plain(entry))


def _alternatives(entry: _SetField) -> str:
    """What to write instead of a field that is not in the table."""
    oneof = entry.field.containing_oneof
    known = SUPPORTED.get(entry.owner.DESCRIPTOR.full_name.removeprefix(_PACKAGE), {})
    if oneof is not None:
        choices = [field.name for field in oneof.fields if field.name in known]
        if choices:
            return "one of " + ", ".join(choices)
    if entry.field.message_type is None and not entry.repeated:
        return f"only {shown(_default(entry))}, or leave the field out"
    return "nothing here: leave the field out"


def _default(entry: _SetField) -> Any:
    value = entry.field.default_value
    if entry.field.cpp_type == FieldDescriptor.CPPTYPE_ENUM:
        return entry.field.enum_type.values_by_number[value].name
    return value


def _missing(config: pb.TrainEvalPipelineConfig) -> Iterator[Problem]:
    if config.model.WhichOneof("model") != "ssd":
        if not config.model.WhichOneof("model"):
            yield Problem("model", "nothing", "model { ssd { ... } }")
        return
    for path in REQUIRED:
        yield from _missing_at(config, path)


def _missing_at(config: Message, path: str) -> Iterator[Problem]:
    owner: Any = config
    *parents, last = path.split(".")
    for name in parents:
        oneof = owner.DESCRIPTOR.fields_by_name[name].containing_oneof
        if oneof is not None and owner.WhichOneof(oneof.name) not in (None, name):
            return  # another choice, which is refused or accepted for itself
        owner = getattr(owner, name)
    field = owner.DESCRIPTOR.fields_by_name[last]
    content = getattr(owner, last)
    present = len(content) > 0 if isinstance(content, MutableSequence) else owner.HasField(last)
    if not present:
        yield Problem(path, "nothing", _wanted(field))
    elif field.message_type is not None:
        oneofs = field.message_type.oneofs
        if len(oneofs) == 1 and len(oneofs[0].fields) == len(field.message_type.fields):
            chosen = content.WhichOneof(oneofs[0].name)
            if chosen is None:
                yield Problem(path, "an empty message", _wanted(field))


def _wanted(field: Any) -> str:
    rules = SUPPORTED.get(field.containing_type.full_name.removeprefix(_PACKAGE), {})
    if field.message_type is None:
        return rules[field.name].supported if field.name in rules else "a value"
    known = SUPPORTED.get(field.message_type.full_name.removeprefix(_PACKAGE), {})
    if len(field.message_type.oneofs) == 1:
        return "one of " + ", ".join(known)
    return f"{field.name} {{ ... }}"


def _notes(config: pb.TrainEvalPipelineConfig) -> list[str]:
    notes = []
    train = config.train_config
    if config.HasField("train_config") and not train.optimizer.HasField("use_moving_average"):
        notes.append(
            "train_config.optimizer.use_moving_average is not set: moving averages stay off "
            "(the OD API would turn them on)."
        )
    if len(config.eval_input_reader) > 1:
        notes.append("eval_input_reader: only the first one is evaluated, as in the OD API.")
    return notes


def _error(problems: list[Problem], source: object) -> ConfigError:
    if len(problems) == 1:
        only = problems[0]
        return ConfigError(
            "The config asks for something that is not supported.",
            file=source,
            field=only.path,
            found=only.found,
            expected=only.expected,
            mend=only.mend or "change the field, or override it in the run's parameters",
        )
    lines = "\n".join(f"  {problem}" for problem in problems)
    return ConfigError(
        f"The config asks for {len(problems)} things that are not supported:\n{lines}",
        file=source,
        mend="change these fields, or override them in the run's parameters",
    )
