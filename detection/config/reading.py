"""Reading and writing ``pipeline.config`` text protos (OD_API_SPEC section 13)."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import TypeVar

from google.protobuf import text_format
from google.protobuf.message import Message

from detection.config import pipeline_pb2 as pb
from detection.errors import ConfigError

MessageT = TypeVar("MessageT", bound=Message)

_PACKAGE = "object_detection.protos."
_UNKNOWN_FIELD = re.compile(r'Message type "(?P<message>[\w.]+)" has no field named "(?P<field>[^"]+)"')
_UNKNOWN_VALUE = re.compile(r'Enum type "(?P<enum>[\w.]+)" has no value named (?P<value>\w+)')
_LOCATION = re.compile(r"^\s*\d+:\d+\s*:\s*")


def load_pipeline_config(path: str | Path) -> pb.TrainEvalPipelineConfig:
    """Reads a ``pipeline.config`` file.

    Args:
        path: A local file.

    Raises:
        ConfigError: The file is missing or unreadable, or :func:`parse_pipeline_config` refuses its text.
    """
    return parse_pipeline_config(read_text(path, "pipeline config"), source=str(path))


def parse_pipeline_config(text: str, source: str = "<string>") -> pb.TrainEvalPipelineConfig:
    """Parses the text of a ``pipeline.config``.

    Args:
        text: The text proto; ``field: value``, ``message {}``, ``message: {}``, both quotes, comments, ``,``
            or ``;`` after fields and list syntax are understood.
        source: What error messages call the text.

    Raises:
        ConfigError: Bad syntax, an unknown field or a value of the wrong type; names the line and, for an
            unknown name, the nearest known ones.
    """
    return parse_message(text, pb.TrainEvalPipelineConfig(), source)


def format_pipeline_config(config: pb.TrainEvalPipelineConfig) -> str:
    """The config as text proto; parsing it again gives an equal message."""
    return text_format.MessageToString(config, as_utf8=True)


def read_text(path: str | Path, what: str) -> str:
    """The UTF-8 text of a local file; ``what`` names its kind in errors.

    Raises:
        ConfigError: The file is missing, is a folder, may not be read, or is not UTF-8 text.
    """
    file = Path(path)
    try:
        return file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"The {what} does not exist.", file=file, mend="check the path") from None
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"The {what} is not text.",
            file=file,
            found=f"a byte that is not UTF-8 at offset {error.start}",
            expected="a UTF-8 text proto",
        ) from None
    except OSError as error:
        raise ConfigError(f"The {what} cannot be read.", file=file, found=error.strerror or error) from None


def parse_message(text: str, message: MessageT, source: str) -> MessageT:
    """Parses the text proto ``text`` into ``message`` and returns it.

    Raises:
        ConfigError: As :func:`parse_pipeline_config`.
    """
    try:
        return text_format.Parse(text, message)
    except text_format.ParseError as error:
        raise _explained(error, source) from None
    except RecursionError:
        raise ConfigError("The text proto is nested too deeply.", file=source) from None


def _explained(error: text_format.ParseError, source: str) -> ConfigError:
    reason = _LOCATION.sub("", str(error)).replace(_PACKAGE, "")
    line, column = error.GetLine(), error.GetColumn()
    file = f"{source}, line {line}, column {column}" if line else source
    unknown = _UNKNOWN_FIELD.search(str(error))
    if unknown:
        owner = pb.DESCRIPTOR.pool.FindMessageTypeByName(unknown["message"])
        return ConfigError(
            f"Unknown field in {owner.name}.",
            file=file,
            field=unknown["field"],
            expected=near_names(unknown["field"], [field.name for field in owner.fields]),
            mend="correct the name, or remove the field",
        )
    value = _UNKNOWN_VALUE.search(str(error))
    if value:
        enum = pb.DESCRIPTOR.pool.FindEnumTypeByName(value["enum"])
        return ConfigError(
            f"Unknown value of {enum.name}.",
            file=file,
            found=value["value"],
            expected="one of " + ", ".join(enum.values_by_name),
        )
    return ConfigError("The text proto is not valid.", file=file, found=reason)


def near_names(name: str, known: list[str]) -> str:
    """The known names nearest to ``name``, or all of them where none is near; in words."""
    if not known:
        return "no fields at all"
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    if near:
        return "perhaps " + " or ".join(near)
    return "one of " + ", ".join(sorted(known))
