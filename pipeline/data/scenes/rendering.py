"""One picture of a scene at one moment, painted from far to near."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from PIL import Image

from pipeline.data.scenes.actors import Actor
from pipeline.data.scenes.air import finish
from pipeline.data.scenes.camera import Camera
from pipeline.data.scenes.canvas import FIRST_OBJECT, GROUND, LAST_OBJECT, SKY, Canvas, PaintedObject
from pipeline.data.scenes.furniture import paint_lamp, paint_sign_plate, paint_sign_post, paint_traffic_light
from pipeline.data.scenes.ground import FARTHEST_METRES, Shadow, paint_ground
from pipeline.data.scenes.labels import LabelledBox, visible_box
from pipeline.data.scenes.mesh import Placement, paint_mesh
from pipeline.data.scenes.scene import Scene
from pipeline.data.scenes.trees import paint_tree

Step = tuple[float, Callable[[], None]]


@dataclass(frozen=True)
class Rendering:
    """One picture and what is known about it.

    Attributes:
        picture: [height, width, 3] uint8.
        boxes: What is labelled, farthest first.
        numbers: [2 * height, 2 * width] uint8, the object number of every canvas pixel.
        painted: (actor, what it covered) for each actor in the picture, farthest first.
    """

    picture: np.ndarray
    boxes: list[LabelledBox]
    numbers: np.ndarray
    painted: list[tuple[Actor, PaintedObject]]


class _Painting:
    """One picture in the making."""

    def __init__(self, scene: Scene, seconds: float) -> None:
        self.scene, self.seconds = scene, seconds
        self.camera = scene.camera_at(seconds)
        placed = [(actor, actor.place_at(seconds)) for actor in scene.actors]
        self.present = [(actor, place) for actor, place in placed if actor.is_in_range(place, self.camera)]
        self.canvas = Canvas(_background(scene, self.camera, self.present))
        self.painted: list[tuple[Actor, PaintedObject]] = []
        self._numbers = iter(range(FIRST_OBJECT, LAST_OBJECT + 1))

    def paint(self) -> None:
        """Paints everything that stands on the ground, the farthest first."""
        for _, step in sorted(self._scenery() + self._actors(), key=lambda step: -step[0]):
            step()

    def _actors(self) -> list[Step]:
        return [(place.z, partial(self._actor, actor, place)) for actor, place in self.present]

    def _actor(self, actor: Actor, place: Placement) -> None:
        # Each number is used once, also where nothing of the actor is seen.
        number = next(self._numbers, None)
        if number is None:
            return
        self.canvas.begin(number)
        actor.paint(self.canvas, self.camera, self.scene.light, place, self.seconds)
        covered = self.canvas.finish()
        if covered is not None:
            self.painted.append((actor, covered))

    def _scenery(self) -> list[Step]:
        scene, camera = self.scene, self.camera
        around = (self.canvas, camera, scene.light)
        steps: list[Step] = []
        for house in scene.buildings:
            # A house counts by its far end: what stands in the street before that must go over it.
            steps.append((house.far_z, partial(paint_mesh, *around, house.mesh, house.place)))
        steps += [(tree.z, partial(paint_tree, *around, tree)) for tree in scene.trees]
        steps += [(lamp.z, partial(paint_lamp, *around, lamp)) for lamp in scene.lamps]
        steps += [(signal.z, partial(paint_traffic_light, *around, signal)) for signal in scene.signals]
        for sign in scene.signs:
            steps.append((sign.z + 0.01, partial(paint_sign_post, *around, sign)))
            if not scene.labels_signs:
                steps.append((sign.z, partial(paint_sign_plate, *around, sign)))
        return [step for step in steps if step[0] > camera.z]

    def boxes(self, numbers: np.ndarray) -> list[LabelledBox]:
        """The boxes of what can be seen."""
        look = self.scene.look
        boxes = []
        for actor, covered in self.painted:
            box = visible_box(numbers, covered)
            if box is not None and actor.kind in look.class_of_kind:
                name = look.class_of_kind[actor.kind]
                boxes.append(LabelledBox(name, look.id_of_class[name], *box))
        return boxes


def render(scene: Scene, seconds: float, rng: np.random.Generator) -> Rendering:
    """Paints ``scene`` as it is after ``seconds``; ``rng`` makes only rain and noise."""
    painting = _Painting(scene, seconds)
    painting.paint()
    numbers = painting.canvas.numbers()
    picture = finish(painting.canvas, painting.camera, scene.weather, numbers, rng)
    return Rendering(picture, painting.boxes(numbers), numbers, painting.painted)


def _background(scene: Scene, camera: Camera, present: list[tuple[Actor, Placement]]) -> Image.Image:
    """Sky and ground as RGBA, the object numbers SKY and GROUND in the alpha channel."""
    shadows: list[Shadow] = []
    for actor, place in present:
        shadows += actor.shadows(place, scene.light)
    shadows += [Shadow(tree.x, tree.z, 0.0, 1.6, 1.6, 0.3, 1.2) for tree in scene.trees]
    picture = scene.sky.copy()
    paint_ground(picture, camera, scene.layout, scene.look, scene.light, shadows)
    rgba = np.empty((camera.height, camera.width, 4), dtype=np.uint8)
    rgba[..., :3] = np.clip(picture, 0, 255)
    horizon = int(np.ceil(camera.horizon_v + camera.focal * camera.y / FARTHEST_METRES))
    rgba[:horizon, :, 3], rgba[horizon:, :, 3] = SKY, GROUND
    return Image.fromarray(rgba)
