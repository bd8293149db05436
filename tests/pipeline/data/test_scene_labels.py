from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipeline.data.scenes.actors import Actor
from pipeline.data.scenes.canvas import FIRST_OBJECT, PaintedObject
from pipeline.data.scenes.labels import LEAST_VISIBLE_SHARE, visible_box
from pipeline.data.scenes.rendering import render
from pipeline.data.scenes.sequences import SequenceRequest, open_scene

SIZE = 320


def scene_of(index: int, look: str = "street", seed: int = 11):
    return open_scene(SequenceRequest(seed, "train", index, 4, SIZE, SIZE, look))


@pytest.mark.parametrize("index", range(5))
@pytest.mark.parametrize("look", ["street", "other"])
def test_boxes_are_tight_around_the_painted_pixels(index, look):
    rendering = render(scene_of(index, look), 0.4, np.random.default_rng(0))
    assert rendering.boxes
    extents = []
    for _, covered in rendering.painted:
        rows, columns = np.nonzero(rendering.numbers == covered.number)
        if len(rows):
            corners = (rows.min(), columns.min(), rows.max() + 1, columns.max() + 1)
            extents.append(tuple(float(corner) / (2 * SIZE) for corner in corners))
    for box in rendering.boxes:
        assert (box.ymin, box.xmin, box.ymax, box.xmax) in extents


@pytest.mark.parametrize("index", [0, 3, 5, 8])
def test_taking_an_object_away_changes_the_picture_just_inside_its_box(index, monkeypatch):
    """An independent check: two pictures, with and without a near object; noise and rain are the same."""
    monkeypatch.setattr(Actor, "shadows", lambda *_: [])
    scene = scene_of(index)
    full = render(scene, 0.0, np.random.default_rng(0))
    labelled = {(box.ymin, box.xmin, box.ymax, box.xmax) for box in full.boxes}
    checked = 0
    for actor, covered in reversed(full.painted):
        box = visible_box(full.numbers, covered)
        if box is None or np.count_nonzero(full.numbers == covered.number) < 0.98 * covered.pixels:
            continue
        assert box in labelled
        without = replace(scene, actors=[other for other in scene.actors if other is not actor])
        other = render(without, 0.0, np.random.default_rng(0))
        rows, columns = np.nonzero((full.picture != other.picture).any(axis=2))
        changed = np.array([rows.min(), columns.min(), rows.max() + 1, columns.max() + 1])
        assert np.abs(changed - np.array(box) * SIZE).max() <= 1.5, (
            actor.kind,
            changed,
            np.array(box) * SIZE,
        )
        checked += 1
        if checked == 3:
            break
    assert checked


def painted(mask: np.ndarray, pixels: int | None = None) -> PaintedObject:
    rows, columns = np.nonzero(mask)
    bounds = (columns.min() / 2, rows.min() / 2, (columns.max() + 1) / 2, (rows.max() + 1) / 2)
    return PaintedObject(FIRST_OBJECT, bounds, int(mask.sum()) if pixels is None else pixels)


def canvas_with(rows: slice, columns: slice) -> np.ndarray:
    numbers = np.zeros((200, 200), np.uint8)
    numbers[rows, columns] = FIRST_OBJECT
    return numbers


def test_the_box_is_exact():
    numbers = canvas_with(slice(20, 61), slice(30, 90))
    assert visible_box(numbers, painted(numbers > 0)) == (0.10, 0.15, 0.305, 0.45)


@pytest.mark.parametrize(("visible_rows", "labelled"), [(15, True), (13, False), (40, True), (0, False)])
def test_what_is_mostly_hidden_has_no_box(visible_rows, labelled):
    whole = canvas_with(slice(20, 60), slice(30, 90))
    numbers = whole.copy()
    numbers[20 + visible_rows : 60, 30:90] = 2
    assert (visible_rows / 40 >= LEAST_VISIBLE_SHARE) == labelled
    box = visible_box(numbers, painted(whole > 0))
    assert (box is not None) == labelled
    if box:
        assert box[2] == (20 + visible_rows) / 200


@pytest.mark.parametrize(("rows", "columns"), [(4, 40), (40, 1)])
def test_what_is_too_small_has_no_box(rows, columns):
    numbers = canvas_with(slice(10, 10 + rows), slice(10, 10 + columns))
    assert visible_box(numbers, painted(numbers > 0)) is None


@pytest.mark.parametrize(("inside", "tall", "labelled"), [(12, 30, False), (30, 30, True), (12, 120, True)])
def test_what_is_cut_off_has_a_box_if_enough_or_much_is_left(inside, tall, labelled):
    """120 canvas pixels wide, of which ``inside`` are in the picture."""
    numbers = canvas_with(slice(20, 20 + tall), slice(0, inside))
    covered = PaintedObject(FIRST_OBJECT, ((inside - 120) / 2, 10, inside / 2, 10 + tall / 2), inside * tall)
    box = visible_box(numbers, covered)
    assert (box is not None) == labelled
    if box:
        assert box[1] == 0.0 and box[3] == inside / 200


def test_far_and_hidden_actors_are_not_labelled_but_near_ones_are():
    counts = {}
    for index in range(6):
        scene = scene_of(index)
        rendering = render(scene, 0.0, np.random.default_rng(0))
        for actor, covered in rendering.painted:
            seen = np.count_nonzero(rendering.numbers == covered.number) / covered.pixels
            labelled = visible_box(rendering.numbers, covered) is not None
            counts.setdefault(seen >= LEAST_VISIBLE_SHARE, []).append(labelled)
            assert actor.kind in scene.look.class_of_kind
    assert not any(counts[False])
    assert np.mean(counts[True]) > 0.85
