"""``dataset.json``: what a generated data set was made from, and what is in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from detection.errors import DataError

RECORD_NAME = "dataset.json"
LABEL_MAP_NAME = "label_map.pbtxt"


@dataclass(frozen=True)
class GeneratedDataset:
    """A complete generated data set.

    Attributes:
        train_pattern: Glob of the training shards.
        eval_pattern: Glob of the evaluation shards.
        label_map: Path of the label map.
        folder: Where all of it is.
        parameters: What it was generated from.
        counts: Split to ``sequences``, ``images``, ``images_by_condition``, ``boxes_by_class`` and the
            size of each of its ``shards`` in bytes.
        reused: Whether it was there already.
    """

    train_pattern: str
    eval_pattern: str
    label_map: str
    folder: str
    parameters: Mapping[str, Any]
    counts: Mapping[str, Any]
    reused: bool

    def as_json(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return asdict(self)


def describe(
    folder: Path, parameters: Mapping[str, Any], counts: Mapping[str, Any], reused: bool
) -> GeneratedDataset:
    """The data set in ``folder``."""
    return GeneratedDataset(
        train_pattern=str(folder / "train-*.tfrecord"),
        eval_pattern=str(folder / "eval-*.tfrecord"),
        label_map=str(folder / LABEL_MAP_NAME),
        folder=str(folder),
        parameters=parameters,
        counts=counts,
        reused=reused,
    )


def write_record_file(folder: Path, parameters: Mapping[str, Any], counts: Mapping[str, Any]) -> None:
    """Writes ``dataset.json``; without times, so that equal data sets are equal files."""
    text = json.dumps({"parameters": parameters, "counts": counts}, indent=2, sort_keys=True)
    (folder / RECORD_NAME).write_text(text + "\n", encoding="utf-8")


def find_existing(folder: Path, parameters: Mapping[str, Any]) -> GeneratedDataset | None:
    """The data set that is in ``folder`` already, if it was made from the same parameters.

    Returns:
        None where nothing is there.

    Raises:
        DataError: Another data set, or something that is no generated data set, is there.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return None
    record = read_record_file(folder)
    if record is None:
        raise DataError(
            "The output folder is there and holds no generated data set; nothing was touched.",
            file=folder,
            expected=f"a folder that does not exist, is empty, or has a {RECORD_NAME}",
            mend="name another folder",
        )
    differing = [
        f"{name} {record['parameters'].get(name)!r}, asked for {value!r}"
        for name, value in parameters.items()
        if record["parameters"].get(name) != value
    ]
    if differing:
        raise DataError(
            "Another data set is in the output folder.",
            file=folder / RECORD_NAME,
            found="; ".join(differing),
            mend="name another folder, or replace this one with --overwrite",
        )
    missing = [name for name, size in _expected_files(record) if _size(folder / name) != size]
    if missing:
        raise DataError(
            "The data set in the output folder is damaged: a file is missing or has another size.",
            file=folder / missing[0],
            mend="generate it again with --overwrite",
        )
    return describe(folder, record["parameters"], record["counts"], reused=True)


def read_record_file(folder: Path) -> dict[str, Any] | None:
    """The content of ``dataset.json``; None if there is none that can be read."""
    try:
        record = json.loads((folder / RECORD_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    complete = isinstance(record, dict) and {"parameters", "counts"} <= record.keys()
    return record if complete else None


def _expected_files(record: Mapping[str, Any]) -> list[tuple[str, int]]:
    return [(name, size) for split in record["counts"].values() for name, size in split["shards"].items()]


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else -1
