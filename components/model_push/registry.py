"""The registry as its readers see it.

``<registry>/<model>/<version>/`` is a model version in the layout of TensorFlow Serving (``saved_model.pb``,
``variables/``, ``assets/`` at its top), with ``checkpoint/``, ``pipeline.config``, ``metrics.json`` and
``MANIFEST.json``. A folder without a manifest is not a version. ``<registry>/<model>/champion.json`` points
at the version in use.
"""

from __future__ import annotations

import json
import re
from typing import Any, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from detection.errors import ConfigError
from storage import (
    StorageNotFound,
    exists,
    join,
    list_uris,
    name_of,
    read_bytes,
    read_versioned,
    sha256,
    size,
)

SCHEMA_VERSION = 1
MANIFEST_NAME = "MANIFEST.json"
CHAMPION_NAME = "champion.json"
METRICS_NAME = "metrics.json"
_MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_STRICT = ConfigDict(extra="forbid")
RecordT = TypeVar("RecordT")


@dataclass(frozen=True, config=_STRICT)
class PublishedFile:
    """One file of a version: its size and the hexadecimal SHA-256 of its content."""

    bytes: int
    sha256: str


@dataclass(frozen=True, config=_STRICT)
class ModelManifest:
    """``MANIFEST.json``: what a version consists of.

    Attributes:
        schema_version: Of this file.
        model: The model's name.
        version: Its number, from 1.
        digest: Over the model's files, not its metrics: the same model has the same digest.
        created: When it was pushed, ISO 8601 in UTC.
        run_uri: The run that made it; '' where it was pushed by hand.
        files: Path below the version's folder to what stands there; all files but the manifest itself.
    """

    schema_version: int
    model: str
    version: int
    digest: str
    created: str
    run_uri: str
    files: dict[str, PublishedFile]


@dataclass(frozen=True, config=_STRICT)
class Champion:
    """``champion.json``: the version in use.

    Attributes:
        schema_version: Of this file.
        model: The model's name.
        version: The version in use.
        digest: That version's digest.
        previous: The version that was in use before; None for the first.
        promoted: When the pointer was moved, ISO 8601 in UTC.
        run_uri: The run that moved it.
    """

    schema_version: int
    model: str
    version: int
    digest: str
    previous: int | None
    promoted: str
    run_uri: str


def model_uri(registry_uri: str, model: str) -> str:
    """The folder of a model; ConfigError where the name could leave the registry or trouble a server."""
    if not _MODEL_NAME.fullmatch(model):
        expected = "letters, digits, '.', '_' and '-', beginning with a letter or digit"
        raise ConfigError(
            "this is no name for a model", field="model_name", found=repr(model), expected=expected
        )
    return join(registry_uri, model)


def version_uri(registry_uri: str, model: str, version: int) -> str:
    """The folder of a version."""
    return join(model_uri(registry_uri, model), str(version))


def list_versions(registry_uri: str, model: str) -> list[int]:
    """The versions that are there whole, rising; empty where there is no such model."""
    manifests = list_uris(join(model_uri(registry_uri, model), "*", MANIFEST_NAME))
    names = [name_of(uri[: -len(MANIFEST_NAME) - 1]) for uri in manifests]
    return sorted(int(name) for name in names if is_version(name))


def is_version(name: str) -> bool:
    """Whether a folder's name is a version number as we write it (1, 2, ...)."""
    return name.isascii() and name.isdigit() and not name.startswith("0")


def load_manifest(registry_uri: str, model: str, version: int) -> ModelManifest:
    """The manifest of a version.

    Raises:
        ConfigError: where there is no such version, or its manifest is not one.
    """
    uri = join(version_uri(registry_uri, model, version), MANIFEST_NAME)
    try:
        data = read_bytes(uri)
    except StorageNotFound:
        known = ", ".join(str(number) for number in list_versions(registry_uri, model)) or "none"
        raise ConfigError(
            f"{model} has no version {version}", file=uri, field="version", found=version, expected=known
        ) from None
    return _parse(ModelManifest, data, uri)


def read_champion(registry_uri: str, model: str) -> Champion | None:
    """The champion's pointer; None where no version was promoted yet."""
    versioned = read_champion_versioned(registry_uri, model)
    return versioned[0] if versioned else None


def read_champion_versioned(registry_uri: str, model: str) -> tuple[Champion, str] | None:
    """The champion's pointer with the token for moving it by compare-and-swap."""
    uri = champion_uri(registry_uri, model)
    try:
        data, token = read_versioned(uri)
    except StorageNotFound:
        return None
    return _parse(Champion, data, uri), token


def champion_uri(registry_uri: str, model: str) -> str:
    """Where the champion's pointer stands."""
    return join(model_uri(registry_uri, model), CHAMPION_NAME)


def load_metrics(registry_uri: str, model: str, version: int) -> dict[str, Any]:
    """``metrics.json`` of a version: its evaluation when it was pushed."""
    uri = join(version_uri(registry_uri, model, version), METRICS_NAME)
    value = json.loads(read_bytes(uri))
    if not isinstance(value, dict):
        raise ConfigError("the metrics are no JSON object", file=uri)
    return value


def verify(registry_uri: str, model: str, version: int) -> ModelManifest:
    """Reads a whole version and compares every file with its manifest.

    Raises:
        ConfigError: where a file is missing or is not what was pushed; the first one is named.
    """
    manifest = load_manifest(registry_uri, model, version)
    folder = version_uri(registry_uri, model, version)
    for path, file in manifest.files.items():
        uri = join(folder, path)
        if not exists(uri):
            raise _spoilt(uri, "nothing", f"{file.bytes} bytes")
        if (found_size := size(uri)) != file.bytes:
            raise _spoilt(uri, f"{found_size} bytes", f"{file.bytes} bytes")
        if (found := sha256(uri)) != file.sha256:
            raise _spoilt(uri, f"SHA-256 {found}", file.sha256)
    return manifest


def _spoilt(uri: str, found: str, expected: str) -> ConfigError:
    mend = "this version was changed after it was pushed: push the model again, and promote that one"
    return ConfigError(
        "a published file is not what was pushed", file=uri, found=found, expected=expected, mend=mend
    )


def _parse(kind: type[RecordT], data: bytes, uri: str) -> RecordT:
    try:
        value = json.loads(data)
        version = value.get("schema_version") if isinstance(value, dict) else None
        if version != SCHEMA_VERSION:
            raise ConfigError(
                "the registry was written by another release",
                file=uri,
                field="schema_version",
                found=version,
                expected=SCHEMA_VERSION,
            )
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"this is no registry file: {first['msg']}", file=uri, field=where) from None
    except ValueError as error:
        raise ConfigError("this is no registry file", file=uri, found=error, expected="JSON") from None
