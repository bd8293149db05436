from __future__ import annotations

import hashlib
import io
import json
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from detection.errors import ConfigError, DataError
from pipeline.data import generate
from pipeline.data.generate import generate_dataset
from pipeline.data.inspecting import find_shards, read_records
from pipeline.data.scenes.weather import CONDITIONS

SMALL = {
    "seed": 3,
    "train_sequences": 5,
    "eval_sequences": 5,
    "frames_per_sequence": 2,
    "width": 160,
    "height": 160,
    "shards": 2,
}
TINY = {
    **SMALL,
    "train_sequences": 2,
    "eval_sequences": 1,
    "frames_per_sequence": 1,
    "width": 96,
    "height": 64,
}
NAME = re.compile(r"(?P<sequence>.+)_(?P<timestamp>\d+)_(?P<camera>FRONT)\.jpg")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return generate_dataset(tmp_path_factory.mktemp("scenes") / "set", **SMALL, workers=1)


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def records(pattern: str) -> list:
    return [record for uri in find_shards([pattern]) for record in read_records(uri)]


def sequence_of(record) -> str:
    matched = NAME.fullmatch(record.name)
    assert matched, record.name
    return matched["sequence"]


def test_same_seed_same_bytes_whatever_the_workers(dataset, tmp_path):
    generate_dataset(tmp_path / "again", **SMALL, workers=2)
    assert digests(tmp_path / "again") == digests(Path(dataset.folder))


def test_another_seed_and_another_look_give_other_pictures(tmp_path):
    made = [
        generate_dataset(tmp_path / name, **{**TINY, **change}, workers=1)
        for name, change in (("a", {}), ("b", {"seed": 4}), ("c", {"look": "other"}))
    ]
    pictures = [{record.encoded for record in records(one.train_pattern)} for one in made]
    assert not pictures[0] & pictures[1] and not pictures[0] & pictures[2] and not pictures[1] & pictures[2]


def test_longer_drives_begin_with_the_same_scene_but_splits_differ(dataset):
    train, evaluation = records(dataset.train_pattern), records(dataset.eval_pattern)
    assert {sequence_of(r) for r in train}.isdisjoint(sequence_of(r) for r in evaluation)
    assert len({sequence_of(r) for r in train}) == len({sequence_of(r) for r in evaluation}) == 5
    assert {r.encoded for r in train}.isdisjoint(r.encoded for r in evaluation)


def test_a_drive_stays_in_one_shard_in_order(dataset):
    place: dict[str, str] = {}
    last: dict[str, int] = {}
    for record in records(dataset.train_pattern):
        sequence = sequence_of(record)
        assert place.setdefault(sequence, record.uri) == record.uri
        timestamp = int(NAME.fullmatch(record.name)["timestamp"])
        assert timestamp > last.get(sequence, 0)
        last[sequence] = timestamp
    assert len(set(place.values())) == SMALL["shards"]


def test_neighbouring_frames_are_near_duplicates(dataset):
    drives: dict[str, list[np.ndarray]] = {}
    for record in records(dataset.train_pattern):
        picture = np.asarray(Image.open(io.BytesIO(record.encoded)).resize((40, 40))).astype(np.float32)
        drives.setdefault(sequence_of(record), []).append(picture)
    within = [float(np.abs(a - b).mean()) for frames in drives.values() for a, b in pairwise(frames)]
    first = [frames[0] for frames in drives.values()]
    between = [float(np.abs(a - b).mean()) for i, a in enumerate(first) for b in first[i + 1 :]]
    assert all(0.1 < difference < 16 for difference in within), within
    assert max(within) < min(between)


def test_every_condition_and_class_is_there(dataset):
    for split in ("train", "eval"):
        counts = dataset.counts[split]
        assert set(counts["images_by_condition"]) == set(CONDITIONS)
        assert set(counts["boxes_by_class"]) == {"vehicle", "pedestrian", "cyclist"}
        assert counts["images"] == 10


def test_counts_are_those_of_the_records(dataset):
    for split, pattern in (("train", dataset.train_pattern), ("eval", dataset.eval_pattern)):
        found = records(pattern)
        assert Counter(text for r in found for text in r.texts) == dataset.counts[split]["boxes_by_class"]
        assert len(found) == dataset.counts[split]["images"]


def test_label_map_is_the_one_of_the_real_data(dataset):
    from detection.config.label_map import load_label_map

    assert load_label_map(dataset.label_map).name_by_id == {1: "vehicle", 2: "pedestrian", 4: "cyclist"}


def test_labels_agree_with_the_label_map(tmp_path):
    from detection.config.label_map import load_label_map

    made = generate_dataset(
        tmp_path / "other", **{**TINY, "look": "other", "width": 160, "height": 160}, workers=1
    )
    names = load_label_map(made.label_map).name_by_id
    found = records(made.train_pattern) + records(made.eval_pattern)
    assert sum(len(record.labels) for record in found) > 0
    for record in found:
        assert [names[label] for label in record.labels] == list(record.texts)


def test_boxes_are_inside_and_not_degenerate(dataset):
    boxes = np.concatenate([r.boxes_yxyx_normalized for r in records(dataset.train_pattern)])
    assert (boxes >= 0).all() and (boxes <= 1).all()
    assert (boxes[:, 2] - boxes[:, 0] >= 0.0249).all() and (boxes[:, 3] > boxes[:, 1]).all()


def test_the_same_data_set_is_used_again(dataset, monkeypatch):
    monkeypatch.setattr(generate, "_draw_splits", lambda *_: pytest.fail("drawn again"))
    again = generate_dataset(dataset.folder, **SMALL)
    assert again.reused and not dataset.reused
    assert again.counts == dataset.counts and again.train_pattern == dataset.train_pattern


def test_another_data_set_is_an_error_unless_overwritten(tmp_path):
    generate_dataset(tmp_path / "set", **TINY, workers=1)
    before = digests(tmp_path / "set")
    with pytest.raises(DataError, match=r"seed 3, asked for 9") as raised:
        generate_dataset(tmp_path / "set", **{**TINY, "seed": 9})
    assert "--overwrite" in str(raised.value)
    assert digests(tmp_path / "set") == before
    generate_dataset(tmp_path / "set", **{**TINY, "seed": 9}, workers=1, overwrite=True)
    assert json.loads((tmp_path / "set" / "dataset.json").read_text())["parameters"]["seed"] == 9
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_a_damaged_data_set_is_not_used(tmp_path):
    made = generate_dataset(tmp_path / "set", **TINY, workers=1)
    shard = Path(find_shards([made.train_pattern])[0])
    shard.write_bytes(shard.read_bytes()[:-1])
    with pytest.raises(DataError, match="damaged"):
        generate_dataset(tmp_path / "set", **TINY)
    generate_dataset(tmp_path / "set", **TINY, workers=1, overwrite=True)
    assert len(records(made.train_pattern)) == 2


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_of_somebody_else_is_never_touched(tmp_path, overwrite):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(DataError, match="nothing was touched"):
        generate_dataset(tmp_path, **TINY, overwrite=overwrite)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_failure_leaves_nothing_behind(tmp_path, monkeypatch):
    def fail(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(generate, "encode_frame", fail)
    with pytest.raises(KeyboardInterrupt):
        generate_dataset(tmp_path / "set", **TINY, workers=1)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_overwrite_keeps_the_old_data_set(tmp_path, monkeypatch):
    generate_dataset(tmp_path / "set", **TINY, workers=1)
    before = digests(tmp_path / "set")

    def fail(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(generate, "encode_frame", fail)
    with pytest.raises(DataError, match="No space left on device"):
        generate_dataset(tmp_path / "set", **{**TINY, "seed": 9}, workers=1, overwrite=True)
    assert digests(tmp_path / "set") == before
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_an_unwritable_place_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        generate_dataset(tmp_path / "file" / "set", **TINY, workers=1)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seed", -1),
        ("train_sequences", 0),
        ("eval_sequences", 0),
        ("frames_per_sequence", 0),
        ("shards", 0),
        ("width", 8),
        ("height", 100_000),
        ("look", "paris"),
        ("workers", 0),
    ],
)
def test_wrong_parameters_are_named(tmp_path, field, value):
    with pytest.raises(ConfigError) as raised:
        generate_dataset(tmp_path / "set", **{**TINY, field: value})
    assert raised.value.details["field"] == field
    assert list(tmp_path.iterdir()) == []


def test_progress_counts_pictures(tmp_path):
    seen: list[tuple[int, int]] = []
    generate_dataset(
        tmp_path / "set", **TINY, workers=1, on_progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_a_longer_drive_extends_the_shorter_one_in_time(tmp_path):
    short = generate_dataset(tmp_path / "short", **TINY, workers=1)
    long = generate_dataset(tmp_path / "long", **{**TINY, "frames_per_sequence": 2}, workers=1)
    names = [{record.name for record in records(made.train_pattern)} for made in (short, long)]
    assert names[0] < names[1]
