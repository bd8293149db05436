from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pipeline.data.scenes.camera import NEAR_METRES, Camera, clip_to_near_plane
from pipeline.data.scenes.canvas import FIRST_OBJECT, Canvas
from pipeline.data.scenes.cars import CAR_KINDS, build_car
from pipeline.data.scenes.large_vehicles import LARGE_KINDS, build_large
from pipeline.data.scenes.looks import LOOKS
from pipeline.data.scenes.mesh import MeshBuilder, Placement
from pipeline.data.scenes.rendering import render
from pipeline.data.scenes.sequences import SequenceRequest, open_scene
from pipeline.data.scenes.vehicles import paint_vehicle
from pipeline.data.scenes.weather import CONDITION_ORDER, CONDITIONS

metres = st.floats(-40, 40)


def camera(size: int = 320) -> Camera:
    return Camera(size, size, 1.1 * size, size / 2, size / 2, 0.0, 1.5, 0.0, 0.0)


@given(x=metres, y=st.floats(-1, 8), z=st.floats(1, 60))
def test_projection_follows_the_pinhole_formula(x, y, z):
    u, v, scale = camera().project_point(x, y, z)
    assert scale == pytest.approx(352 / z)
    assert u == pytest.approx(160 + 352 * x / z)
    assert v == pytest.approx(160 - 352 * (y - 1.5) / z)
    many = camera().project(camera().relative(np.array([[x, y, z]])))
    assert many[0] == pytest.approx((u, v))


@given(st.lists(st.tuples(metres, metres, st.floats(-5, 5)), min_size=3, max_size=7))
def test_clipping_leaves_only_what_is_in_front(points):
    kept = clip_to_near_plane(np.array(points))
    assert (kept[:, 2] >= NEAR_METRES - 1e-9).all()
    if all(point[2] >= NEAR_METRES for point in points):
        assert np.array_equal(np.array(sorted(kept.tolist())), np.array(sorted(map(list, points))))
    if all(point[2] < NEAR_METRES for point in points):
        assert len(kept) == 0


@given(st.lists(st.floats(0.2, 4), min_size=6, max_size=6))
def test_normals_point_out_of_a_box_however_its_corners_are_ordered(sides):
    low, high = -np.array(sides[:3]), np.array(sides[3:])
    builder = MeshBuilder()
    for axis in range(3):
        for end in (low, high):
            others = [a for a in range(3) if a != axis]
            corners = []
            for first, second in ((0, 0), (1, 0), (1, 1), (0, 1)):
                corner = np.empty(3)
                corner[axis] = end[axis]
                corner[others[0]] = (low, high)[first][others[0]]
                corner[others[1]] = (low, high)[second][others[1]]
                corners.append(corner.tolist())
            builder.face(corners, (1, 2, 3))
    normals = builder.build().normals
    expected = [axis_sign for axis in range(3) for axis_sign in ((axis, -1), (axis, 1))]
    for normal, (axis, sign) in zip(normals, expected, strict=True):
        assert normal == pytest.approx(np.eye(3)[axis] * sign, abs=1e-9)


@pytest.mark.parametrize("kind", CAR_KINDS + LARGE_KINDS)
@pytest.mark.parametrize("heading", [0.0, np.pi, np.pi / 2, 0.6])
def test_a_vehicle_is_as_large_in_the_picture_as_its_size_and_distance_say(kind, heading):
    rng = np.random.default_rng(0)
    shape = (build_car if kind in CAR_KINDS else build_large)(kind, (150, 20, 20), rng)
    scene = open_scene(SequenceRequest(1, "train", 0, 1, 320, 320))
    canvas = Canvas(Image.new("RGBA", (320, 320)))
    canvas.begin(FIRST_OBJECT)
    distance = 25.0
    paint_vehicle(canvas, camera(), scene.light, shape, Placement(0.0, distance, heading))
    u0, v0, u1, v1 = canvas.finish().bounds
    half_x = abs(np.cos(heading)) * shape.width / 2 + abs(np.sin(heading)) * shape.length / 2
    half_z = abs(np.sin(heading)) * shape.width / 2 + abs(np.cos(heading)) * shape.length / 2
    # Its corners are between the nearest and the farthest depth; mirrors stick out a little.
    most, least = 352 / (distance - half_z), 352 / (distance + half_z)
    assert 2 * half_x * least * 0.85 <= u1 - u0 <= 2 * half_x * most * 1.15
    assert shape.height * least * 0.9 <= v1 - v0 <= shape.height * most * 1.2
    assert v1 == pytest.approx(160 + 1.5 * most, abs=0.12 * most + 1)


def test_objects_near_the_camera_hide_those_behind():
    canvas = Canvas(Image.new("RGBA", (64, 64)))
    for number, left in ((FIRST_OBJECT, 10), (FIRST_OBJECT + 1, 20)):
        canvas.begin(number)
        canvas.polygon([left, 10, left + 19.5, 10, left + 19.5, 40, left, 40], (200, 0, 0))
        assert canvas.finish().number == number
    numbers = canvas.numbers()
    assert (numbers[40, 20:40] == FIRST_OBJECT).all() and (numbers[40, 40:79] == FIRST_OBJECT + 1).all()


@pytest.mark.parametrize("look", sorted(LOOKS))
def test_actors_of_every_picture_are_large_enough_and_on_the_street(look):
    heights = []
    for index in range(8):
        rendering = render(
            open_scene(SequenceRequest(5, "eval", index, 1, 256, 256, look)), 0.0, np.random.default_rng(0)
        )
        heights += [box.ymax - box.ymin for box in rendering.boxes if box.class_name != "traffic_sign"]
    # 24 of 640 pixels.
    assert np.mean(np.array(heights) >= 24 / 640) > 0.9
    assert len(heights) >= 8 * 4


def test_night_is_dark_and_rain_has_less_contrast_than_day():
    means: dict[str, list[float]] = {name: [] for name in CONDITIONS}
    spread: dict[str, list[float]] = {name: [] for name in CONDITIONS}
    for index in range(10):
        request = SequenceRequest(2, "train", index, 1, 160, 160)
        picture = render(open_scene(request), 0.0, np.random.default_rng(0)).picture.astype(float)
        means[request.condition].append(picture.mean())
        spread[request.condition].append(picture.std())
    brightness = {name: np.mean(values) for name, values in means.items()}
    assert brightness["night"] < brightness["dusk"] < brightness["day"]
    assert brightness["rain"] < brightness["day"]
    assert np.mean(spread["rain"]) < np.mean(spread["day"])


def test_conditions_come_in_turn():
    assert set(CONDITION_ORDER) == set(CONDITIONS)


@given(
    width=st.integers(64, 300),
    height=st.integers(64, 300),
    index=st.integers(0, 30),
    seed=st.integers(0, 2**31),
)
@settings(deadline=None, max_examples=12)
def test_any_size_and_seed_can_be_drawn(width, height, index, seed):
    rendering = render(
        open_scene(SequenceRequest(seed, "train", index, 1, width, height)), 0.0, np.random.default_rng(0)
    )
    assert rendering.picture.shape == (height, width, 3)
    for box in rendering.boxes:
        assert 0 <= box.ymin < box.ymax <= 1 and 0 <= box.xmin < box.xmax <= 1
