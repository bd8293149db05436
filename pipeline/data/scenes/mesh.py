"""Solid things as lists of flat faces, and how they are painted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from pipeline.data.scenes.camera import NEAR_METRES, Camera, clip_to_near_plane
from pipeline.data.scenes.canvas import SUPERSAMPLING, Canvas
from pipeline.data.scenes.lighting import Light

Point = Sequence[float]
Colour = Sequence[float]


@dataclass(frozen=True)
class Mesh:
    """Faces in painting order, in the thing's own axes (x right, y up, z its front), metres.

    Attributes:
        vertices: [V, 3].
        starts: [F + 1] first vertex of each face; the last entry is V.
        normals: [F, 3] unit, outward.
        colours: [F, 3] 0..255 before lighting.
        shining: [F] bool; painted in its own colour whatever the light.
        lamps: (x, y, z, radius in metres, colour, outward z) of each lamp that can glow.
    """

    vertices: np.ndarray
    starts: np.ndarray
    normals: np.ndarray
    colours: np.ndarray
    shining: np.ndarray
    lamps: tuple[tuple[float, float, float, float, tuple[int, int, int], int], ...] = ()


@dataclass
class MeshBuilder:
    """Collects faces; normals point away from ``centre``, the middle of the convex part being built."""

    centre: Point = (0.0, 0.0, 0.0)
    _vertices: list[Point] = field(default_factory=list)
    _starts: list[int] = field(default_factory=lambda: [0])
    _centres: list[Point] = field(default_factory=list)
    _colours: list[Colour] = field(default_factory=list)
    _shining: list[bool] = field(default_factory=list)
    _lamps: list[tuple[float, float, float, float, tuple[int, int, int], int]] = field(default_factory=list)

    def face(self, points: Sequence[Point], colour: Colour, *, shining: bool = False) -> None:
        """Adds a flat face of at least three corners."""
        self._vertices.extend(points)
        self._starts.append(len(self._vertices))
        self._centres.append(self.centre)
        self._colours.append(colour)
        self._shining.append(shining)

    def lamp(self, point: Point, radius: float, rgb: tuple[int, int, int], outward: int) -> None:
        """Adds a lamp at ``point`` that shines to the thing's front (+1), rear (-1) or all around (0)."""
        self._lamps.append((point[0], point[1], point[2], radius, rgb, outward))

    def build(self) -> Mesh:
        """The finished mesh."""
        vertices = np.array(self._vertices, dtype=np.float64).reshape(-1, 3)
        starts = np.array(self._starts)
        return Mesh(
            vertices,
            starts,
            _outward_normals(vertices, starts, np.array(self._centres, dtype=np.float64)),
            np.array(self._colours, dtype=np.float64).reshape(-1, 3),
            np.array(self._shining, dtype=bool),
            tuple(self._lamps),
        )


def _outward_normals(vertices: np.ndarray, starts: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Unit normals [F, 3] of all faces, pointing away from ``centres`` [F, 3]."""
    first, counts = starts[:-1], np.diff(starts)
    following = np.arange(1, len(vertices) + 1)
    following[starts[1:] - 1] = first
    # The sum over a face's edges is twice its area times its normal, wherever the origin is.
    a, b = vertices, vertices[following]
    products = np.stack(
        [
            a[:, 1] * b[:, 2] - a[:, 2] * b[:, 1],
            a[:, 2] * b[:, 0] - a[:, 0] * b[:, 2],
            a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0],
        ],
        axis=1,
    )
    normals = np.add.reduceat(products, first)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    middles = np.add.reduceat(vertices, first) / counts[:, None]
    inward = np.einsum("ij,ij->i", normals, middles - centres) < 0
    normals[inward] *= -1
    return normals


@dataclass(frozen=True)
class Placement:
    """Where a thing stands: x, z in metres, heading in radians (0 looks along +z), height of its base."""

    x: float
    z: float
    heading: float = 0.0
    y: float = 0.0

    def to_world(self, points: np.ndarray) -> np.ndarray:
        """Own coordinates [N, 3] to world coordinates [N, 3]."""
        turned = self.turn(points)
        turned += np.array([self.x, self.y, self.z])
        return turned

    def turn(self, vectors: np.ndarray) -> np.ndarray:
        """Turns vectors [N, 3] by the heading."""
        sine, cosine = np.sin(self.heading), np.cos(self.heading)
        turned = np.empty_like(vectors)
        turned[:, 0] = vectors[:, 0] * cosine + vectors[:, 2] * sine
        turned[:, 1] = vectors[:, 1]
        turned[:, 2] = vectors[:, 2] * cosine - vectors[:, 0] * sine
        return turned


def paint_mesh(canvas: Canvas, camera: Camera, light: Light, mesh: Mesh, place: Placement) -> None:
    """Paints the faces that look at the camera, in the mesh's order."""
    relative = camera.relative(place.to_world(mesh.vertices))
    normals = place.turn(mesh.normals)
    first = mesh.starts[:-1]
    # A face looks at the camera when its normal points against the ray to any of its corners.
    facing = np.einsum("ij,ij->i", normals, relative[first]) < 0
    nearest = np.minimum.reduceat(relative[:, 2], first)
    farthest = np.maximum.reduceat(relative[:, 2], first)
    pixels = camera.project(relative)
    low = np.minimum.reduceat(pixels, first, axis=0)
    high = np.maximum.reduceat(pixels, first, axis=0)
    inside = (high[:, 0] > 0) & (low[:, 0] < camera.width) & (high[:, 1] > 0) & (low[:, 1] < camera.height)
    large = ((high - low) > 0.7 / SUPERSAMPLING).all(axis=1)
    crossing = (nearest < NEAR_METRES) & (farthest > NEAR_METRES)
    chosen = np.flatnonzero(facing & (farthest > NEAR_METRES) & ((inside & large) | crossing))
    if not len(chosen):
        return
    colours = light.shade_faces(mesh.colours, normals, mesh.shining, place.x, place.z, camera).tolist()
    flat = pixels.ravel().tolist()
    starts = mesh.starts.tolist()
    for face in chosen.tolist():
        start, stop = starts[face], starts[face + 1]
        if crossing[face]:
            kept = clip_to_near_plane(relative[start:stop])
            if len(kept) >= 3:
                canvas.polygon(camera.project(kept).ravel().tolist(), colours[face])
        else:
            canvas.polygon(flat[2 * start : 2 * stop], colours[face])
    _note_glows(canvas, camera, light, mesh, place)


def _note_glows(canvas: Canvas, camera: Camera, light: Light, mesh: Mesh, place: Placement) -> None:
    if not light.lamps_lit or not mesh.lamps:
        return
    for x, y, z, radius, rgb, outward in mesh.lamps:
        world = place.to_world(np.array([[x, y, z]]))[0]
        if outward:
            towards_camera = (camera.z - world[2]) * np.cos(place.heading) * outward
            towards_camera += (camera.x - world[0]) * np.sin(place.heading) * outward
            if towards_camera <= 0:
                continue
        seen = camera.project_point(world[0], world[1], world[2])
        if seen is not None:
            canvas.glow(seen[0], seen[1], radius * seen[2], rgb)
