"""The scoring core equals pycocotools to the last bit, on random hard sets."""

from __future__ import annotations

import contextlib
import io
import json
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from components.coco_eval.checks import check_detections, check_groundtruth
from components.coco_eval.matching import match
from components.coco_eval.scorers import accumulate
from components.coco_eval.scoring import METRIC_NAMES, score
from components.coco_eval.thresholds import best_threshold
from detection.errors import ConfigError

SIZE = 200


def hard_set(seed: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Ties, crowds, empty images, missing classes, zero-size boxes, ids out of order, over 100 detections."""
    random = np.random.default_rng(seed)
    category_ids = random.permutation([1, 2, 4, 9])[: random.integers(1, 5)].tolist()
    image_ids = random.choice(np.arange(1, 5000), size=random.integers(1, 9), replace=False).tolist()
    grid = int(random.choice([1, 10, 40]))
    annotations = []
    for image_id in image_ids:
        for _ in range(int(random.choice([0, 0, 1, 3, 12]))):
            box = _random_box(random, grid)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    # The first class never has groundtruth where there are more.
                    "category_id": int(random.choice(category_ids[1:] or category_ids)),
                    "bbox": box,
                    "area": float(box[2] * box[3] * random.choice([1.0, 0.6])),
                    "iscrowd": int(random.random() < 0.15),
                }
            )
    annotations.append(
        {
            "id": len(annotations) + 1,
            "image_id": image_ids[0],
            "category_id": category_ids[-1],
            "bbox": [5.0, 5.0, 40.0, 40.0],
            "area": 1600.0,
            "iscrowd": 0,
        }
    )
    shuffled = [annotations[place] for place in random.permutation(len(annotations))]
    images = [{"id": number, "width": SIZE, "height": SIZE} for number in image_ids]
    categories = [{"id": number, "name": f"class {number}"} for number in category_ids]
    detections = _random_detections(random, shuffled, image_ids, category_ids, grid)
    return {"images": images, "annotations": shuffled, "categories": categories}, detections


def _random_box(random: np.random.Generator, grid: int) -> list[float]:
    x, y = (random.integers(0, SIZE - 20, 2) // grid * grid).tolist()
    width, height = (random.integers(0, SIZE - 30, 2) // grid * grid).tolist()
    return [float(value) for value in (x, y, width, height)]


def _random_detections(
    random: np.random.Generator,
    annotations: list[dict[str, Any]],
    image_ids: list[int],
    category_ids: list[int],
    grid: int,
) -> list[dict[str, Any]]:
    levels = int(random.choice([2, 5, 1000]))
    detections = []
    for annotation in annotations:
        for _ in range(int(random.integers(0, 3))):
            jitter = random.integers(-6, 7, 4) * (random.random(4) < 0.6)
            box = np.maximum(np.array(annotation["bbox"]) + jitter, 0.0)
            category = annotation["category_id"] if random.random() < 0.8 else random.choice(category_ids)
            detections.append(_detection(random, annotation["image_id"], category, box.tolist(), levels))
    for image_id in image_ids:
        for _ in range(int(random.choice([0, 1, 8, 130], p=[0.4, 0.3, 0.2, 0.1]))):
            category = random.choice(category_ids)
            detections.append(_detection(random, image_id, category, _random_box(random, grid), levels))
    return [detections[place] for place in random.permutation(len(detections))]


def _detection(
    random: np.random.Generator, image_id: int, category_id: Any, box: list[float], levels: int
) -> dict[str, Any]:
    score_value = float(random.integers(0, levels + 1) / levels)
    return {"image_id": image_id, "category_id": int(category_id), "bbox": box, "score": score_value}


def reference(groundtruth: dict[str, Any], detections: list[dict[str, Any]]) -> COCOeval:
    """Plain pycocotools, as everyone calls it."""
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = json.loads(json.dumps(groundtruth))
        truth.createIndex()
        if detections:
            found = truth.loadRes(json.loads(json.dumps(detections)))
        else:  # loadRes ends in an IndexError
            found = COCO()
            found.dataset = {**truth.dataset, "annotations": []}
            found.createIndex()
        evaluator = COCOeval(truth, found, "bbox")
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
    return evaluator


def assert_equal_to_reference(seed: int) -> None:
    groundtruth, detections = hard_set(seed)
    expected = reference(groundtruth, detections)
    truth = check_groundtruth(groundtruth)
    checked = check_detections(detections, truth, refuse_repetitions=False).detections
    for scorer in ("hotcoco", "pycocotools"):
        found = score(truth, checked, scorer)
        numbers = [-1.0 if found.metrics[name] is None else found.metrics[name] for name in METRIC_NAMES]
        assert numbers == expected.stats.tolist(), (seed, scorer)
        arrays = accumulate(truth, checked, scorer)
        np.testing.assert_array_equal(arrays.precision, expected.eval["precision"])
        np.testing.assert_array_equal(arrays.recall, expected.eval["recall"])
    _assert_same_matches(expected, match(truth, checked), seed)


def _assert_same_matches(expected: COCOeval, matches: Any, seed: int) -> None:
    """At IoU 0.5, over all sizes: the same detections found the same objects."""
    expected_pairs, ignored = set(), set()
    for per_image in expected.evalImgs[
        : len(expected.params.catIds) * len(expected.params.areaRng) * len(expected.params.imgIds)
    ]:
        if per_image is None or per_image["aRng"] != expected.params.areaRng[0]:
            continue
        for place, detection in enumerate(per_image["dtIds"]):
            if per_image["dtIgnore"][0][place]:
                ignored.add(int(detection))
            elif per_image["dtMatches"][0][place]:
                expected_pairs.add((int(detection), int(per_image["dtMatches"][0][place])))
    rows_by_annotation = [annotation["id"] for annotation in expected.cocoGt.dataset["annotations"]]
    found = {
        (int(row) + 1, rows_by_annotation[matches.groundtruth_of_detection[row]])
        for row in np.flatnonzero(matches.is_true_positive)
    }
    assert found == expected_pairs, seed
    evaluated = {int(d) for e in expected.evalImgs if e is not None for d in e["dtIds"]}
    assert {int(row) + 1 for row in np.flatnonzero(matches.counts)} == evaluated - ignored, seed


@pytest.mark.parametrize("seed", range(60))
def test_equal_to_pycocotools(seed: int) -> None:
    assert_equal_to_reference(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(60, 360))
def test_equal_to_pycocotools_on_many(seed: int) -> None:
    assert_equal_to_reference(seed)


def test_the_hard_sets_are_hard() -> None:
    sets = [hard_set(seed) for seed in range(60)]
    assert any(not detections for _, detections in sets)
    assert any(a["iscrowd"] for truth, _ in sets for a in truth["annotations"])
    assert any(0 in a["bbox"][2:] for truth, _ in sets for a in truth["annotations"])
    most, ties, empty, absent = 0, False, False, False
    for truth, detections in sets:
        per_image = [d["image_id"] for d in detections]
        most = max([most, *(per_image.count(i["id"]) for i in truth["images"])])
        ties |= len({d["score"] for d in detections}) < len(detections)
        empty |= any(i["id"] not in {a["image_id"] for a in truth["annotations"]} for i in truth["images"])
        absent |= len({a["category_id"] for a in truth["annotations"]}) < len(truth["categories"])
    assert most > 100 and ties and empty and absent


def _simple(boxes: list[list[float]], found: list[tuple[list[float], float]]) -> Any:
    truth = check_groundtruth(
        {
            "images": [{"id": 1}],
            "categories": [{"id": 1, "name": "vehicle"}, {"id": 4, "name": "cyclist"}],
            "annotations": [
                {"id": place + 1, "image_id": 1, "category_id": 1, "bbox": box}
                for place, box in enumerate(boxes)
            ],
        }
    )
    entries = [{"image_id": 1, "category_id": 1, "bbox": box, "score": value} for box, value in found]
    return truth, check_detections(entries, truth).detections


def test_perfect_detections_score_one_and_absent_is_none() -> None:
    truth, detections = _simple(
        [[0, 0, 20, 20], [50, 50, 20, 20]], [([0, 0, 20, 20], 0.9), ([50, 50, 20, 20], 0.8)]
    )
    scores = score(truth, detections)
    assert scores.metrics["AP"] == pytest.approx(1.0, abs=1e-12)
    assert scores.metrics["AP_small"] == pytest.approx(1.0, abs=1e-12)
    assert scores.metrics["AP_medium"] is None and scores.metrics["AR_large"] is None
    vehicle, cyclist = scores.per_class
    assert (vehicle.boxes, vehicle.images, vehicle.detections) == (2, 1, 2)
    assert cyclist.metrics["AP"] is None and cyclist.curve is None and cyclist.best is None


def test_no_detections_are_zero() -> None:
    truth, detections = _simple([[0, 0, 20, 20]], [])
    for scorer in ("hotcoco", "pycocotools"):
        scores = score(truth, detections, scorer)
        assert scores.metrics["AP"] == 0.0 and scores.metrics["AR100"] == 0.0
        assert scores.metrics["AP_large"] is None


def test_best_threshold_is_the_best_of_all_cuts() -> None:
    for seed in range(30):
        groundtruth, entries = hard_set(seed)
        truth = check_groundtruth(groundtruth)
        detections = check_detections(entries, truth, refuse_repetitions=False).detections
        matches = match(truth, detections)
        for index in range(len(truth.categories)):
            best = best_threshold(truth, detections, matches, index)
            mine = (detections.category_index == index) & matches.counts
            objects = np.count_nonzero((truth.category_index == index) & ~truth.is_crowd)
            f1_by_cut = {}
            for cut in np.unique(detections.scores[mine]):
                kept = mine & (detections.scores >= cut)
                right = np.count_nonzero(kept & matches.is_true_positive)
                f1_by_cut[float(cut)] = 2 * right / (np.count_nonzero(kept) + objects)
            if best is None:
                assert not objects or max(f1_by_cut.values(), default=0) == 0
            else:
                assert best.f1 == pytest.approx(max(f1_by_cut.values()))
                assert f1_by_cut[best.threshold] == pytest.approx(best.f1)
                harmonic = 2 * best.precision * best.recall / (best.precision + best.recall)
                assert harmonic == pytest.approx(best.f1)


def test_unknown_scorer_is_refused() -> None:
    truth, detections = _simple([[0, 0, 20, 20]], [])
    with pytest.raises(ConfigError, match="hotcoco or pycocotools"):
        score(truth, detections, "guess")
