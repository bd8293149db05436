"""Every kind of fault is found where it was planted, and nothing else is reported."""

from __future__ import annotations

import struct
import zlib

import pytest

INF, NAN = float("inf"), float("nan")


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(side: int) -> bytes:
    """A PNG that asks for side x side pixels in a few bytes."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", zlib.compress(bytes(99))) + png_chunk(b"IEND", b"")
    )


def bbox(side: str) -> str:
    return f"image/object/bbox/{side}"


def changed_box(building, **sides: float) -> dict:
    order = ("ymin", "xmin", "ymax", "xmax")
    column = {side: [float(box[k]) for box in building.boxes] for k, side in enumerate(order)}
    for side, value in sides.items():
        column[side][1] = value
    return column


# name: (what changes in the record, check, field, part of found, part of expected)
LABEL, TEXT, ENCODED = "image/object/class/label", "image/object/class/text", "image/encoded"
V, P, C = b"vehicle", b"pedestrian", b"cyclist"
RECORD_FAULTS = {
    "missing height": (lambda b: {"height": None}, "required_features", "image/height", "no such", "a value"),
    "missing image": (lambda b: {"encoded": None}, "required_features", ENCODED, "no such", "a value"),
    "missing side": (lambda b: {"xmax": None}, "required_features", bbox("xmax"), "no such", "each box"),
    "missing classes": (
        lambda b: {"label": None, "text": None},
        "required_features",
        LABEL,
        "no such",
        "one id",
    ),
    "mistyped height": (lambda b: {"height": [32.0]}, "feature_types", "image/height", "float", "int64"),
    "mistyped label": (lambda b: {"label": [1.0, 2.0, 4.0]}, "feature_types", LABEL, "float", "int64"),
    "two heights": (lambda b: {"height": [32, 32]}, "feature_types", "image/height", "2 values", "one value"),
    "empty image": (lambda b: {"encoded": [b""]}, "image_decodes", ENCODED, "0 bytes", "JPEG"),
    "no image at all": (
        lambda b: {"encoded": [b"not an image"]},
        "image_decodes",
        ENCODED,
        "no image",
        "PNG",
    ),
    "truncated JPEG": (
        lambda b: {"encoded": [b.encode(9)[:-200]]},
        "image_decodes",
        ENCODED,
        "truncated",
        "",
    ),
    "bomb": (
        lambda b: {"encoded": [bomb(30000)], "height": [30000], "width": [30000], "format": [b"png"]},
        "image_pixel_limit",
        ENCODED,
        "900000000 pixels",
        "50000000",
    ),
    "wrong height": (lambda b: {"height": [31]}, "image_size", "image/height", "31", "32"),
    "wrong width": (lambda b: {"width": [640]}, "image_size", "image/width", "640", "48"),
    "PNG named JPEG": (
        lambda b: {"encoded": [b.encode(9, "PNG")]},
        "image_format",
        "image/format",
        "jpeg",
        "png",
    ),
    "greyscale": (lambda b: {"encoded": [b.encode(9, mode="L")]}, "image_colour", ENCODED, "grey", "RGB"),
    "CMYK": (lambda b: {"encoded": [b.encode(9, mode="CMYK")]}, "image_colour", ENCODED, "CMYK", "RGB"),
    "one label too few": (lambda b: {"label": [1, 2]}, "box_lengths", LABEL, "2 values", "3"),
    "one side too many": (lambda b: {"ymax": [0.9] * 4}, "box_lengths", bbox("ymax"), "4 values", "3"),
    "NaN": (lambda b: changed_box(b, ymin=NAN), "box_finite", bbox("ymin[1]"), "nan", "finite"),
    "infinite": (lambda b: changed_box(b, xmax=INF), "box_finite", bbox("xmax[1]"), "inf", "finite"),
    "outside": (lambda b: changed_box(b, ymax=1.1), "box_inside", bbox("ymax[1]"), "1.1", "0 to 1"),
    "negative": (lambda b: changed_box(b, xmin=-0.25), "box_inside", bbox("xmin[1]"), "-0.25", "0 to 1"),
    "in pixels": (lambda b: changed_box(b, ymax=320.0), "box_inside", bbox("ymax[1]"), "320", "0 to 1"),
    "inverted": (
        lambda b: changed_box(b, ymin=0.9, ymax=0.2),
        "box_inverted",
        bbox("ymax[1]"),
        "below",
        "above",
    ),
    "zero area": (
        lambda b: changed_box(b, xmin=0.6, xmax=0.6),
        "box_zero_area",
        bbox("xmax[1]"),
        "0.6",
        "more",
    ),
    "id 0": (
        lambda b: {"label": [1, 0, 4], "text": None},
        "label_known",
        LABEL + "[1]",
        "0",
        "2 (pedestrian)",
    ),
    "unknown id": (
        lambda b: {"label": [1, 3, 4], "text": None},
        "label_known",
        LABEL + "[1]",
        "3",
        "4 (cyclist)",
    ),
    "text of another class": (
        lambda b: {"text": [V, V, C]},
        "label_text",
        TEXT + "[1]",
        "'vehicle'",
        "pedestrian",
    ),
    "text of no class": (
        lambda b: {"text": [V, b"dog", C]},
        "label_text",
        TEXT + "[1]",
        "'dog'",
        "1 (vehicle)",
    ),
    "unlabelled": (
        lambda b: dict.fromkeys(("ymin", "xmin", "ymax", "xmax", "label", "text")),
        "unlabelled_image",
        bbox("ymin"),
        "no boxes",
        "",
    ),
}


@pytest.mark.parametrize("name", RECORD_FAULTS)
@pytest.mark.parametrize(("shard", "record"), [("train-1", 2)])
def test_record_fault(dataset, building, name, shard, record):
    changes, check, field, found, expected = RECORD_FAULTS[name]
    dataset.records[shard][record] = building.serialize(building.features(5, **changes(building)))
    result = dataset.validate()
    findings = dataset.findings()
    assert [finding["check"] for finding in findings] == [check]
    [finding] = findings
    assert (finding["shard"], finding["record"]) == (str(dataset.path(shard)), record)
    assert finding["field"] == field
    assert found in finding["found"] and expected in finding["expected"] and finding["mend"]
    assert set(finding) == {"check", "severity", "shard", "record", "field", "found", "expected", "mend"}
    assert result.passed == (finding["severity"] == "warn")
    assert result.severities[check] == finding["severity"]


def test_a_clean_dataset_has_no_findings(dataset):
    result = dataset.validate(num_classes=4)
    assert result.passed and dataset.findings() == []
    assert result.manifest.splits["train"].boxes_by_class == {1: 6, 2: 6, 4: 6}


def test_num_classes_below_an_id_stops_and_says_all(dataset):
    result = dataset.validate(num_classes=3)
    assert not result.passed
    first = dataset.findings()[0]
    assert (first["check"], first["shard"], first["record"]) == ("label_above_num_classes", None, None)
    assert first["field"] == "num_classes"
    assert "4 (cyclist)" in first["found"] and "num_classes: 3" in first["found"]
    assert "num_classes: 4, or renumber" in first["mend"]
    by_record = [finding for finding in dataset.findings() if finding["record"] is not None]
    assert len(by_record) == 8 and {finding["field"] for finding in by_record} == {f"{LABEL}[2]"}


def test_flipped_bit(dataset):
    dataset.write()
    content = bytearray(dataset.path("train-0").read_bytes())
    first = len(dataset.records["train-0"][0]) + 16
    content[first + 100] ^= 4
    dataset.path("train-0").write_bytes(content)
    result = dataset.validate(write=False)
    [finding] = dataset.findings()
    assert (finding["check"], finding["record"]) == ("framing", 1)
    assert f"byte offset {first}" in finding["found"]
    assert result.manifest.splits["train"].records == 5


def test_truncated_shard(dataset):
    dataset.write()
    dataset.path("train-0").write_bytes(dataset.path("train-0").read_bytes()[:-5])
    dataset.validate(write=False)
    [finding] = dataset.findings()
    assert (finding["check"], finding["record"]) == ("framing", 2)
    assert finding["shard"] == str(dataset.path("train-0"))


def test_not_an_example(dataset):
    dataset.records["eval-0"][0] = b"\xff\xff\xff not a message"
    dataset.validate()
    [finding] = dataset.findings()
    assert (finding["check"], finding["record"]) == ("example_parses", 0)


def test_duplicate_boxes_and_too_many(dataset, building):
    sides = {side: [0.1 if "min" in side else 0.5] * 101 for side in ("ymin", "xmin", "ymax", "xmax")}
    changed = building.features(5, **sides, label=[1] * 101, text=None)
    dataset.records["train-1"][2] = building.serialize(changed)
    result = dataset.validate()
    assert result.counts == {"box_duplicate": 100, "box_count": 1} and result.passed


def test_duplicate_images(dataset, building):
    # Other boxes make another record; the image decides.
    dataset.records["train-1"][0] = building.serialize(building.features(1, label=[2, 2, 4], text=None))
    dataset.validate()
    [finding] = dataset.findings()
    assert (finding["check"], finding["severity"]) == ("duplicate_in_split", "warn")
    assert (finding["shard"], finding["record"]) == (str(dataset.path("train-1")), 0)
    assert f"record 1 of {dataset.path('train-0')}" in finding["found"]


def test_leaked_image(dataset):
    dataset.records["eval-0"].append(dataset.records["train-1"][1])
    result = dataset.validate()
    [finding] = dataset.findings()
    assert not result.passed
    assert (finding["check"], finding["record"]) == ("duplicate_across_splits", 2)
    assert f"record 1 of {dataset.path('train-1')}, in train" in finding["found"]
    assert dataset.validate(policy="overfit").passed


def test_class_absent_from_eval(dataset, building):
    changes = {"label": [1, 2, 1], "text": None}
    for index in (0, 1):
        dataset.records["eval-0"][index] = building.serialize(building.features(6 + index, **changes))
    dataset.validate()
    [finding] = dataset.findings()
    assert (finding["check"], finding["severity"], finding["record"]) == ("class_absent", "warn", None)
    assert "4 (cyclist)" in finding["found"] and "eval" in finding["field"]


@pytest.mark.parametrize("content", [None, b""])
def test_empty_split(dataset, content):
    del dataset.records["eval-0"]
    dataset.write()
    if content is not None:
        dataset.path("eval-0").write_bytes(content)
    result = dataset.validate(write=False)
    checks = {finding["check"] for finding in dataset.findings()}
    assert checks == {"split_empty"} | ({"shard_empty"} if content is not None else set())
    assert not result.passed
    assert dataset.findings()[0]["field"] == "eval"


def test_label_map_with_a_doubled_id(dataset):
    dataset.label_map += "item { id: 4 name: 'sign' }"
    result = dataset.validate()
    [finding] = dataset.findings()
    assert not result.passed and finding["check"] == "label_map"
    assert "id 4 stands twice" in finding["found"]


def test_texts_without_ids_are_resolved(dataset, building):
    dataset.records["eval-0"][0] = building.serialize(building.features(6, label=None))
    result = dataset.validate()
    assert dataset.findings() == []
    assert result.manifest.splits["eval"].boxes_by_class == {1: 2, 2: 2, 4: 2}


def test_many_findings_are_counted_and_the_first_listed(dataset, building, tmp_path):
    for shard in ("train-0", "train-1"):
        bad = [building.serialize(building.features(100 + seed, height=[1])) for seed in range(30)]
        dataset.records[shard] = bad if shard == "train-0" else bad[:1]
    policy = tmp_path / "policy.yaml"
    policy.write_text("findings_per_check: 5\nchecks: {duplicate_in_split: off}")
    result = dataset.validate(policy=str(policy))
    assert result.counts["image_size"] == 31
    assert [finding["record"] for finding in dataset.findings()] == [0, 1, 2, 3, 4]


def test_processes_find_what_one_process_finds(dataset, building):
    dataset.records["train-1"][2] = building.serialize(building.features(5, height=[1]))
    dataset.records["eval-0"].append(dataset.records["train-0"][0])
    alone = dataset.validate(workers=1)
    one = dataset.findings()
    together = dataset.validate(workers=2)
    assert dataset.findings() == one and len(one) == 2
    assert together.manifest == alone.manifest and together.statistics == alone.statistics
