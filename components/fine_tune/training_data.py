"""From a manifest's train split to local files and a label map."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from components.data_validation.manifest import Manifest, load_manifest
from detection.config.label_map import LabelMap, load_label_map
from detection.errors import DataError
from storage import local_path


@dataclass(frozen=True)
class TrainingData:
    """What a training run reads.

    Attributes:
        files: The train shards on this machine, in the manifest's order.
        records: Records in them.
        label_map: The label map the data was checked against.
        digest: The manifest's digest.
    """

    files: tuple[str, ...]
    records: int
    label_map: LabelMap
    digest: str


def load_training_data(manifest: str | Path) -> TrainingData:
    """Reads a manifest and fetches its train split.

    Raises:
        DataError: A shard or the label map is not what was validated.
        StorageError: Something cannot be read.
    """
    data = load_manifest(manifest)
    _refuse_quarantined(data, manifest)
    split = data.split("train")
    files = []
    for shard in split.shards:
        path = local_path(shard.uri)
        size = path.stat().st_size
        if size != shard.bytes:
            raise DataError(
                "A shard has changed since it was validated.",
                file=shard.uri,
                found=f"{size} bytes",
                expected=f"{shard.bytes} bytes",
                mend="run data_validation again",
            )
        files.append(str(path))
    return TrainingData(tuple(files), split.records, _label_map(data), data.digest)


def _label_map(data: Manifest) -> LabelMap:
    label_map = load_label_map(local_path(data.label_map.uri))
    validated = sorted(item.id for item in data.label_map.items if item.id > 0)
    if sorted(label_map.ids) != validated:
        raise DataError(
            "The label map has changed since the data was validated.",
            file=data.label_map.uri,
            found=f"ids {sorted(label_map.ids)}",
            expected=f"ids {validated}",
            mend="run data_validation again",
        )
    return label_map


def _refuse_quarantined(data: Manifest, manifest: str | Path) -> None:
    shards = {shard.sha256 for shard in data.split("train").shards}
    records = [record for record in data.quarantined if record.shard_sha256 in shards]
    if records:
        raise DataError(
            "Training cannot skip quarantined records yet.",
            file=manifest,
            field="quarantined",
            found=f"{len(records)} records of the train split, such as record {records[0].record} "
            f"of {records[0].uri}",
            expected="none",
            mend="write the shards again without these records",
        )
