"""Label maps: text and binary, gaps, and every mistake in one error."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detection.config import pipeline_pb2 as pb
from detection.config.label_map import LabelMapItem, checked_label_map, load_label_map, parse_label_map
from detection.errors import ConfigError

STREET = (
    b"item { id: 4 name: 'cyclist' }\nitem { id: 1 name: 'vehicle' }\nitem: { id: 2, name: 'pedestrian' }"
)


def test_ids_may_have_gaps_and_come_sorted() -> None:
    street = parse_label_map(STREET)
    assert street.ids == (1, 2, 4)
    assert street.max_id == 4
    assert street.name_by_id == {1: "vehicle", 2: "pedestrian", 4: "cyclist"}


def test_the_shipped_map_and_the_real_one_are_the_same_classes(project_root: Path, shared_dir: Path) -> None:
    shipped = load_label_map(project_root / "configs/label_maps/street.pbtxt")
    assert shipped.name_by_id == {1: "vehicle", 2: "pedestrian", 4: "cyclist"}
    for file in (shared_dir / "data").rglob("*.pbtxt"):
        assert load_label_map(file).ids


def test_display_names_are_shown_and_both_names_are_looked_up() -> None:
    coco = parse_label_map(b"item { name: '/m/01g317' id: 1 display_name: 'person' }")
    assert coco.name_by_id == {1: "person"}
    assert coco.id_by_text == {"/m/01g317": 1, "person": 1}


def test_background_is_no_class() -> None:
    with_background = parse_label_map(b"item { id: 0 name: 'background' } item { id: 1 name: 'a' }")
    assert with_background.ids == (1,)
    assert len(with_background.items) == 2


@given(st.lists(st.tuples(st.integers(1, 9999), st.text(min_size=1, max_size=9)), min_size=1, max_size=8))
def test_text_and_binary_give_the_same(pairs: list[tuple[int, str]]) -> None:
    unique = {number: f"{number}{name}" for number, name in pairs}
    message = pb.StringIntLabelMap()
    for number, name in unique.items():
        message.item.add(id=number, name=name)
    text = "\n".join(f"item {{ id: {number} name: {escaped(name)} }}" for number, name in unique.items())
    assert parse_label_map(message.SerializeToString()) == parse_label_map(text.encode())
    assert parse_label_map(text.encode()).name_by_id == unique


def escaped(text: str) -> str:
    return '"' + "".join(f"\\{byte:03o}" for byte in text.encode()) + '"'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no class"),
        ("item { id: 0 name: 'background' }", "no class"),
        ("item { id: 1 name: 'a' } item { id: 1 name: 'b' }", "id 1 stands twice"),
        ("item { id: 1 name: 'a' } item { id: 2 name: 'a' }", "'a' stands for id 1 and for id 2"),
        (
            "item { id: 1 name: 'a' display_name: 'b' } item { id: 2 name: 'b' }",
            "'b' stands for id 1 and for id 2",
        ),
        ("item { name: 'a' }", "'a' has id 0"),
        ("item { id: -1 name: 'a' } item { id: 1 name: 'b' }", "negative"),
        ("item { id: 1 }", "id 1 has no name"),
        ("item { id: 1 nam: 'a' }", "perhaps name"),
        ("item { id: 1 name: 'a' ", "not valid"),
        ("id: 1", "Unknown field"),
    ],
)
def test_a_bad_map_is_refused_with_its_reason(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_label_map(text.encode(), "map.pbtxt")
    assert said in str(caught.value)
    assert "map.pbtxt" in str(caught.value)


@pytest.mark.parametrize("data", [b"\xff\xfe", b"\x10\xff\xff", b"\x0a\x7f\x10\x01"])
def test_broken_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ConfigError):
        parse_label_map(data)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        load_label_map(tmp_path / "none.pbtxt")


def test_all_problems_are_in_one_error() -> None:
    with pytest.raises(ConfigError) as caught:
        checked_label_map([LabelMapItem(-1, "a"), LabelMapItem(3, ""), LabelMapItem(3, "b")])
    for said in ("negative", "no name", "stands twice"):
        assert said in str(caught.value)
