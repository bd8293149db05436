"""The manifest: what the validated dataset is, as every later step reads it.

Data goes by URI, and this small file goes with it (DESIGN D5): the shards with size, checksum and record
count, the class counts, and one digest over all content. The digest is a pipeline parameter of the later
steps, so that changed data is never served from the cache.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, field
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked_dataclass

from detection.errors import DataError
from storage import read_bytes, write_bytes

SCHEMA_VERSION = 1
_DIGEST_PREFIX = "sha256:"
_STRICT = ConfigDict(extra="forbid")


@checked_dataclass(frozen=True, config=_STRICT)
class LabelMapEntry:
    """One class: ``id`` (1 or more) and ``name`` as in the label map."""

    id: int
    name: str


@checked_dataclass(frozen=True, config=_STRICT)
class LabelMapFacts:
    """The label map that the data was checked against: where it stands, and its classes by id."""

    uri: str
    items: tuple[LabelMapEntry, ...]


@checked_dataclass(frozen=True, config=_STRICT)
class Shard:
    """One TFRecord file.

    Attributes:
        uri: Where it stands.
        bytes: Its size.
        sha256: The hexadecimal digest of its content.
        records: How many records it holds.
    """

    uri: str
    bytes: int
    sha256: str
    records: int


@checked_dataclass(frozen=True, config=_STRICT)
class Split:
    """The train or the eval data.

    Attributes:
        digest: Over the content of all shards, whatever their order and place.
        records: Records in all shards.
        images: Records whose image decodes.
        boxes_by_class: Label-map id to the number of boxes; 0 for a class without boxes.
        shards: In the order of their URIs.
    """

    digest: str
    records: int
    images: int
    boxes_by_class: dict[int, int]
    shards: tuple[Shard, ...]

    @property
    def uris(self) -> list[str]:
        """The shards' URIs in order."""
        return [shard.uri for shard in self.shards]


@checked_dataclass(frozen=True, config=_STRICT)
class QuarantinedRecord:
    """A record that training is to skip: its shard, its index from 0 in it, and the check that refused it."""

    shard_sha256: str
    uri: str
    record: int
    check: str


@checked_dataclass(frozen=True, config=_STRICT)
class Manifest:
    """The whole dataset: splits by name (``train``, ``eval``), its label map and its digest."""

    schema_version: int
    digest: str
    label_map: LabelMapFacts
    splits: dict[str, Split]
    quarantined: tuple[QuarantinedRecord, ...] = field(default=())

    def split(self, name: str) -> Split:
        """The split of this name; DataError where the manifest has none."""
        if name not in self.splits:
            expected = ", ".join(sorted(self.splits))
            raise DataError("the manifest has no such split", field=f"splits.{name}", expected=expected)
        return self.splits[name]


def split_digest(shards: Iterable[Shard]) -> str:
    """``sha256:`` over the sorted checksums of one split's shards: their order and place mean nothing."""
    return _digest(sorted(shard.sha256 for shard in shards))


def dataset_digest(
    label_map: Iterable[LabelMapEntry],
    splits: Mapping[str, Split],
    quarantined: Iterable[QuarantinedRecord] = (),
) -> str:
    """The digest of the whole: label map, the splits' digests, and which records are left out."""
    return _digest(
        {
            "schema_version": SCHEMA_VERSION,
            "label_map": sorted([item.id, item.name] for item in label_map),
            "splits": {name: split.digest for name, split in splits.items()},
            "quarantined": sorted([record.shard_sha256, record.record] for record in quarantined),
        }
    )


def build_manifest(
    label_map: LabelMapFacts,
    splits: Mapping[str, Split],
    quarantined: Iterable[QuarantinedRecord] = (),
) -> Manifest:
    """The manifest of these splits, with its digest."""
    records = tuple(quarantined)
    digest = dataset_digest(label_map.items, splits, records)
    return Manifest(SCHEMA_VERSION, digest, label_map, dict(splits), records)


def _digest(value: Any) -> str:
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return _DIGEST_PREFIX + hashlib.sha256(canonical.encode()).hexdigest()


def write_manifest(manifest: Manifest, path: str | Path) -> None:
    """Writes ``manifest`` as JSON to a path or URI, atomically."""
    write_bytes(str(path), (json.dumps(asdict(manifest), indent=2, sort_keys=True) + "\n").encode())


def load_manifest(path: str | Path) -> Manifest:
    """Reads a manifest from a path or URI.

    Raises:
        StorageError: where it cannot be read.
        DataError: where it is no manifest, is of another schema version, or its digest does not fit.
    """
    mend = "run data_validation again"
    try:
        value = json.loads(read_bytes(str(path)))
        version = value.get("schema_version") if isinstance(value, dict) else None
        if version != SCHEMA_VERSION:
            raise DataError(
                "the manifest's schema version is not known",
                file=path,
                field="schema_version",
                found=version,
                expected=SCHEMA_VERSION,
                mend=mend,
            )
        manifest = TypeAdapter(Manifest).validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise DataError(
            f"this is no manifest: {first['msg']}", file=path, field=where, found=first["input"], mend=mend
        ) from None
    except ValueError as error:
        raise DataError("this is no manifest", file=path, found=error, expected="JSON", mend=mend) from None
    _check_digest(manifest, path)
    return manifest


def _check_digest(manifest: Manifest, path: str | Path) -> None:
    pairs = [("digest", manifest.digest, _computed_digest(manifest))]
    for name, split in manifest.splits.items():
        pairs.append((f"splits.{name}.digest", split.digest, split_digest(split.shards)))
    for where, found, expected in pairs:
        if found != expected:
            mend = "do not edit a manifest: run data_validation again"
            raise DataError(
                "the digest does not fit", file=path, field=where, found=found, expected=expected, mend=mend
            )


def _computed_digest(manifest: Manifest) -> str:
    return dataset_digest(manifest.label_map.items, manifest.splits, manifest.quarantined)
