"""Every bad input is refused by name; every good one passes."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.coco_eval.checks import check_detections, check_groundtruth
from components.coco_eval.json_files import read_json
from components.coco_eval.scoring import score
from detection.errors import DataError

NAN, INFINITY = float("nan"), float("inf")

GOOD_TRUTH: dict[str, Any] = {
    "images": [
        {"id": 1, "width": 100, "height": 80, "file_name": "a.jpg"},
        {"id": 2, "width": 100, "height": 80, "file_name": "b.jpg"},
    ],
    "categories": [{"id": 1, "name": "vehicle"}, {"id": 4, "name": "cyclist"}],
    "annotations": [
        {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 30, 40], "area": 1200, "iscrowd": 0},
        {"id": 2, "image_id": 1, "category_id": 4, "bbox": [5, 5, 10, 10], "area": 100.0, "iscrowd": 1},
    ],
}
GOOD_DETECTIONS: list[dict[str, Any]] = [
    {"image_id": 1, "category_id": 1, "bbox": [1, 2, 30, 40], "score": 0.9},
    {"image_id": 2, "category_id": 4, "bbox": [1.5, 2, 0, 40], "score": 1},
]


def _set(*path: Any) -> Callable[[Any], None]:
    """``_set("annotations", 0, "id", 0)`` sets the value at the end of the path."""

    def change(content: Any) -> None:
        for key in path[:-2]:
            content = content[key]
        content[path[-2]] = path[-1]

    return change


def _drop(*path: Any) -> Callable[[Any], None]:
    def change(content: Any) -> None:
        for key in path[:-1]:
            content = content[key]
        del content[path[-1]]

    return change


BAD_TRUTH: dict[str, tuple[Callable[[Any], None], str]] = {
    "annotation id 0": (_set("annotations", 1, "id", 0), r"annotation id is 0.*annotations\[1\]\.id"),
    "negative annotation id": (_set("annotations", 0, "id", -3), "annotation id is 0 or negative"),
    "doubled annotation id": (_set("annotations", 1, "id", 1), r"same id stands twice.*annotations\[1\]\.id"),
    "string annotation id": (_set("annotations", 0, "id", "1"), "id is a string"),
    "string image id": (_set("images", 0, "id", "1"), r"id is a string.*images\[0\]\.id"),
    "string image_id": (
        _set("annotations", 0, "image_id", "1"),
        r"id is a string.*annotations\[0\]\.image_id",
    ),
    "fractional image id": (_set("images", 0, "id", 1.5), "missing or not an integer"),
    "boolean image id": (_set("images", 0, "id", True), "missing or not an integer"),
    "huge image id": (_set("images", 0, "id", 2**70), "too large"),
    "no image id": (_drop("images", 0, "id"), r"missing or not an integer.*images\[0\]\.id"),
    "doubled image id": (_set("images", 1, "id", 1), r"same id stands twice.*images\[1\]\.id"),
    "negative width": (_set("images", 0, "width", -5), "negative width"),
    "NaN height": (_set("images", 0, "height", NAN), "height is not finite"),
    "doubled class id": (_set("categories", 1, "id", 1), r"same id stands twice.*categories\[1\]"),
    "doubled class name": (_set("categories", 1, "name", "vehicle"), "two classes have the same name"),
    "no class name": (_drop("categories", 0, "name"), "class has no name"),
    "blank class name": (_set("categories", 0, "name", " "), "class has no name"),
    "unknown image": (
        _set("annotations", 0, "image_id", 7),
        r"image that the groundtruth does not have.*expected: one of 1, 2",
    ),
    "unknown class": (_set("annotations", 0, "category_id", 2), "class that the groundtruth does not have"),
    "no box": (_drop("annotations", 0, "bbox"), "box is missing"),
    "short box": (_set("annotations", 0, "bbox", [1, 2, 3]), "four numbers"),
    "text in box": (_set("annotations", 0, "bbox", [1, 2, 3, "4"]), "something else than numbers"),
    "NaN box": (_set("annotations", 0, "bbox", [1, NAN, 3, 4]), r"box is not finite.*annotations\[0\]\.bbox"),
    "infinite box": (_set("annotations", 0, "bbox", [1, 2, INFINITY, 4]), "box is not finite"),
    "endless integer in box": (_set("annotations", 0, "bbox", [1, 2, 10**400, 4]), "box is not finite"),
    "enormous box": (_set("annotations", 0, "bbox", [1, 2, 1e200, 1e200]), "larger than any image"),
    "inverted box": (_set("annotations", 0, "bbox", [9, 9, -3, 4]), "negative width or height"),
    "NaN area": (_set("annotations", 0, "area", NAN), "area is not finite"),
    "negative area": (_set("annotations", 0, "area", -1), "area is negative"),
    "text area": (_set("annotations", 0, "area", "12"), "area is missing or not a number"),
    "crowd 2": (_set("annotations", 0, "iscrowd", 2), "neither 0 nor 1"),
    "crowd text": (_set("annotations", 0, "iscrowd", "0"), "neither 0 nor 1"),
    "only crowds": (_set("annotations", 0, "iscrowd", 1), "no boxes.*all of them crowd"),
    "no annotations": (_set("annotations", []), "no boxes"),
    "no images": (_set("images", []), "no images"),
    "no classes": (_set("categories", []), "no classes"),
    "images left out": (_drop("images"), "lacks a part.*images"),
    "annotations null": (_set("annotations", None), "list of objects is expected"),
    "annotation is a list": (_set("annotations", 0, []), r"entry is not an object.*annotations\[0\]"),
}

BAD_DETECTIONS: dict[str, tuple[Callable[[Any], None], str]] = {
    "NaN score": (_set(0, "score", NAN), r"score is not finite.*detections\[0\]\.score"),
    "infinite score": (_set(1, "score", INFINITY), r"score is not finite.*detections\[1\]"),
    "no score": (_drop(0, "score"), "score is missing"),
    "text score": (_set(0, "score", "0.9"), "not a number"),
    "null score": (_set(0, "score", None), "not a number"),
    "boolean score": (_set(0, "score", True), "not a number"),
    "NaN box": (_set(0, "bbox", [NAN, 0, 1, 1]), "box is not finite"),
    "inverted box": (_set(0, "bbox", [50, 50, -10, 10]), "not two corners"),
    "box as object": (_set(0, "bbox", {"x": 1}), "box is missing"),
    "unknown image": (
        _set(0, "image_id", 3),
        r"image that the groundtruth does not have.*detections\[0\]\.image_id",
    ),
    "string image id": (_set(0, "image_id", "1"), "id is a string"),
    "unknown class": (_set(0, "category_id", 0), "may count from 0"),
    "string class": (_set(0, "category_id", "1"), "id is a string"),
    "float class": (_set(0, "category_id", 1.0), "not an integer"),
    "repetition": (
        lambda content: content.append(copy.deepcopy(content[0])),
        r"stands twice.*detections\[2\]",
    ),
    "not an object": (lambda content: content.append(7), r"entry is not an object.*detections\[2\]"),
}


@pytest.mark.parametrize("case", BAD_TRUTH)
def test_bad_groundtruth_is_refused(case: str) -> None:
    change, message = BAD_TRUTH[case]
    content = copy.deepcopy(GOOD_TRUTH)
    change(content)
    with pytest.raises(DataError, match=f"(?s){message}") as caught:
        check_groundtruth(content, "truth.json")
    assert caught.value.details["file"] == "truth.json"
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("case", BAD_DETECTIONS)
def test_bad_detections_are_refused(case: str) -> None:
    change, message = BAD_DETECTIONS[case]
    content = copy.deepcopy(GOOD_DETECTIONS)
    change(content)
    with pytest.raises(DataError, match=f"(?s){message}") as caught:
        check_detections(content, check_groundtruth(GOOD_TRUTH), "found.json")
    assert caught.value.details["file"] == "found.json"


@pytest.mark.parametrize("content", [None, 3, "x", {"image_id": 1}])
def test_detections_must_be_a_list(content: Any) -> None:
    with pytest.raises(DataError, match="list of objects is expected"):
        check_detections(content, check_groundtruth(GOOD_TRUTH))


@pytest.mark.parametrize("content", [None, 3, "x", []])
def test_groundtruth_must_be_an_object(content: Any) -> None:
    with pytest.raises(DataError, match="not a COCO file"):
        check_groundtruth(content)


def test_how_many_are_bad_is_told() -> None:
    content = [{**GOOD_DETECTIONS[0], "score": NAN} for _ in range(5)]
    with pytest.raises(DataError, match=r"detections\[0\]\.score .*image_id 1.* and 4 more"):
        check_detections(content, check_groundtruth(GOOD_TRUTH))


def test_good_input_is_kept_as_it_is() -> None:
    truth = check_groundtruth(GOOD_TRUTH)
    assert [image.id for image in truth.images] == [1, 2] and truth.images[0].file_name == "a.jpg"
    assert truth.boxes_xywh_pixels.tolist() == [[1, 2, 30, 40], [5, 5, 10, 10]]
    assert truth.category_index.tolist() == [0, 1] and truth.is_crowd.tolist() == [False, True]
    checked = check_detections(GOOD_DETECTIONS, truth)
    assert checked.detections.image_index.tolist() == [0, 1] and checked.notes == ()
    assert checked.detections.scores.tolist() == [0.9, 1.0]


def test_missing_area_and_crowd_have_their_usual_meaning() -> None:
    content = copy.deepcopy(GOOD_TRUTH)
    del content["annotations"][0]["area"], content["annotations"][0]["iscrowd"]
    truth = check_groundtruth(content)
    assert truth.areas[0] == 1200 and not truth.is_crowd[0]


def test_no_detections_and_own_repetitions_are_noted() -> None:
    truth = check_groundtruth(GOOD_TRUTH)
    assert "no detections at all" in check_detections([], truth).notes[0]
    twice = [*GOOD_DETECTIONS, GOOD_DETECTIONS[0]]
    checked = check_detections(twice, truth, refuse_repetitions=False)
    assert len(checked.detections) == 3 and "1 detections repeat" in checked.notes[0]


def test_the_order_of_ids_does_not_matter() -> None:
    content = copy.deepcopy(GOOD_TRUTH)
    content["images"].reverse()
    content["categories"].reverse()
    expected = score(
        check_groundtruth(GOOD_TRUTH),
        check_detections(GOOD_DETECTIONS, check_groundtruth(GOOD_TRUTH)).detections,
    )
    truth = check_groundtruth(content)
    assert score(truth, check_detections(GOOD_DETECTIONS, truth).detections).metrics == expected.metrics


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "not valid JSON.*line 1"),
        (b'{"images": [', "not valid JSON"),
        (b"\xff\xfe\x00", "not valid JSON|not JSON text"),
        (b"[" * 200_000, "nested too deeply"),
    ],
)
def test_broken_json_is_named(tmp_path: Path, text: bytes, message: str) -> None:
    path = tmp_path / "broken.json"
    path.write_bytes(text)
    with pytest.raises(DataError, match=f"(?s){message}"):
        read_json(path)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_json(tmp_path / "nothing.json")


def test_the_names_python_gives_nan_are_refused_too(tmp_path: Path) -> None:
    path = tmp_path / "found.json"
    path.write_text(json.dumps([{**GOOD_DETECTIONS[0], "score": NAN}]))
    with pytest.raises(DataError, match="score is not finite"):
        check_detections(read_json(path), check_groundtruth(GOOD_TRUTH))
