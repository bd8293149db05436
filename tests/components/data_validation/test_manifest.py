from __future__ import annotations

import json
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.data_validation.manifest import (
    LabelMapEntry,
    LabelMapFacts,
    Shard,
    Split,
    build_manifest,
    load_manifest,
    split_digest,
    write_manifest,
)
from detection.errors import DataError

checksums = st.lists(st.binary(min_size=32, max_size=32).map(bytes.hex), min_size=1, max_size=6)


def split_of(digests, place="/a"):
    shards = tuple(Shard(f"{place}/{index}", 1, digest, 1) for index, digest in enumerate(digests))
    return Split(split_digest(shards), len(shards), len(shards), {1: 0}, shards)


def manifest_of(train, evaluation=("00",), names=("vehicle",)):
    items = tuple(LabelMapEntry(index + 1, name) for index, name in enumerate(names))
    return build_manifest(
        LabelMapFacts("/map", items), {"train": split_of(train), "eval": split_of(evaluation)}
    )


@given(checksums, st.randoms())
def test_the_digest_knows_no_order_and_no_place(digests, random):
    shuffled = list(digests)
    random.shuffle(shuffled)
    assert split_of(digests).digest == split_of(shuffled, "s3://elsewhere").digest
    assert manifest_of(digests).digest == manifest_of(shuffled).digest


@given(checksums, st.data())
def test_the_digest_changes_with_any_shard(digests, data):
    index = data.draw(st.integers(0, len(digests) - 1))
    changed = [*digests[:index], "ff" * 31 + "fe", *digests[index + 1 :]]
    if sorted(changed) != sorted(digests):
        assert manifest_of(changed).digest != manifest_of(digests).digest
    assert manifest_of([*digests, digests[0]]).digest != manifest_of(digests).digest


def test_the_digest_knows_splits_and_classes():
    base = manifest_of(["aa"], ["bb"])
    assert manifest_of(["bb"], ["aa"]).digest != base.digest
    assert manifest_of(["aa"], ["bb"], ["car"]).digest != base.digest


@given(checksums)
def test_round_trip(tmp_path_factory, digests):
    path = tmp_path_factory.mktemp("manifest") / "manifest.json"
    manifest = manifest_of(digests)
    write_manifest(manifest, path)
    assert load_manifest(path) == manifest
    assert load_manifest(f"file://{path}") == manifest


def test_the_same_data_elsewhere_has_the_same_digest_and_one_byte_changes_it(dataset, tmp_path, dataset_in):
    first = dataset.validate().manifest
    moved = dataset_in(tmp_path / "moved")
    # Other file names in another order, the same contents.
    moved.records = {"train-7": dataset.records["train-1"], "train-8": dataset.records["train-0"]}
    moved.records["eval-3"] = dataset.records["eval-0"]
    assert moved.validate().manifest.digest == first.digest
    moved.label_map += "# a comment does not count"
    assert moved.validate().manifest.digest == first.digest
    shutil.copy(moved.path("eval-3"), tmp_path / "copy")
    content = bytearray(moved.path("eval-3").read_bytes())
    content[-1] ^= 1
    moved.path("eval-3").write_bytes(content)
    assert moved.validate(write=False).manifest.digest != first.digest


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda value: value.update(schema_version=2), "schema_version"),
        (lambda value: value.update(extra=1), "extra"),
        (lambda value: value["splits"]["train"]["shards"][0].update(sha256="00"), "splits.train.digest"),
        (lambda value: value["splits"]["train"].pop("records"), "splits.train.records"),
        (lambda value: value["label_map"]["items"][0].update(name="car"), "digest"),
    ],
)
def test_a_changed_manifest_is_refused(tmp_path, change, field):
    path = tmp_path / "manifest.json"
    write_manifest(manifest_of(["aa"]), path)
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))
    with pytest.raises(DataError) as caught:
        load_manifest(path)
    assert caught.value.details["field"] == field and caught.value.details["file"] == str(path)


def test_not_json(tmp_path):
    (tmp_path / "m").write_text("{")
    with pytest.raises(DataError, match="no manifest"):
        load_manifest(tmp_path / "m")


def test_an_unknown_split_is_named():
    with pytest.raises(DataError) as caught:
        manifest_of(["aa"]).split("test")
    assert caught.value.details["expected"] == "eval, train"
