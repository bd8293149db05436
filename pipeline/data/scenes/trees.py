"""Street trees: a trunk and many overlapping blobs of leaves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.data.scenes.camera import Camera
from pipeline.data.scenes.canvas import Canvas
from pipeline.data.scenes.lighting import Light

TRUNK = (92.0, 74.0, 58.0)


@dataclass(frozen=True)
class Tree:
    """One tree.

    Attributes:
        x: Across the road, metres.
        z: Along the road, metres.
        trunk: Height of the trunk, metres.
        leaves: [N, 4] blobs in painting order: offset right, height above the ground, radius (metres), and
            brightness; each blob is as tall as wide times ``flatness``.
        colour: Leaf colour.
        flatness: See ``leaves``.
    """

    x: float
    z: float
    trunk: float
    leaves: np.ndarray
    colour: tuple[float, float, float]
    flatness: float = 0.9


def draw_tree(
    kind: str, x: float, z: float, colour: tuple[float, float, float], rng: np.random.Generator
) -> Tree:
    """A ``round``, ``poplar``, ``conifer`` or ``palm`` tree."""
    if kind == "palm":
        return _palm(x, z, colour, rng)
    if kind == "conifer":
        levels = np.linspace(0, 1, 12)
        rows = []
        for level in levels:
            for _ in range(4):
                wide = 1.7 * (1 - level) + 0.15
                offset = rng.uniform(-1, 1) * wide * 0.7
                rows.append((offset, 1.3 + level * 5.5, 0.75 * (1 - level) + 0.22, rng.uniform(0.6, 1.15)))
        return Tree(x, z, 1.6, np.array(rows), colour, 0.75)
    slim = 0.55 if kind == "poplar" else 1.0
    crown, trunk = rng.uniform(1.5, 2.2), rng.uniform(2.6, 3.2)
    middle = trunk + crown * (0.8 if kind == "round" else 1.3)
    rows = []
    for index in range(46):
        angle, distance = rng.uniform(0, 2 * np.pi), np.sqrt(rng.random())
        dx = np.cos(angle) * distance * crown * slim
        dy = np.sin(angle) * distance * crown * (0.8 if kind == "round" else 1.4)
        # Later blobs are smaller and catch the light from above left.
        bright = 0.62 + 0.010 * index + 0.20 * dy / crown - 0.06 * dx / crown
        rows.append((dx, middle + dy, crown * rng.uniform(0.30, 0.42) * (1.1 - index / 90), bright))
    return Tree(x, z, trunk, np.array(rows), colour)


def _palm(x: float, z: float, colour: tuple[float, float, float], rng: np.random.Generator) -> Tree:
    trunk = rng.uniform(5.0, 6.5)
    rows = []
    for angle in np.linspace(-0.35, np.pi + 0.35, 11):
        reach = rng.uniform(1.3, 1.8)
        for step in np.linspace(0.08, 1, 11):
            rise = np.sin(angle) * step * 1.2 - 1.25 * step**2.2 + 0.25
            bright = 0.72 + 0.45 * np.sin(angle) * (1 - step) + rng.uniform(-0.1, 0.1)
            rows.append((np.cos(angle) * reach * step, trunk + rise, 0.20 - 0.12 * step, bright))
    return Tree(x, z, trunk, np.array(rows), colour, 0.8)


def paint_tree(canvas: Canvas, camera: Camera, light: Light, tree: Tree) -> None:
    """Paints the tree."""
    seen = camera.project_point(tree.x, 0.0, tree.z)
    if seen is None:
        return
    u, v, scale = seen
    if u + 5 * scale < 0 or u - 5 * scale > camera.width:
        return
    trunk = light.shade(TRUNK, tree.x, tree.z, camera).tolist()
    thick = 0.15 * scale
    top = v - tree.trunk * scale
    canvas.polygon([u - thick, v, u + thick, v, u + 0.6 * thick, top, u - 0.6 * thick, top], trunk)
    dark = [int(c * 0.75) for c in trunk]
    canvas.polygon([u, v, u + thick, v, u + 0.6 * thick, top, u + 0.1 * thick, top], dark)
    leaf = light.shade(tree.colour, tree.x, tree.z, camera)
    for dx, y, radius, bright in tree.leaves.tolist():
        rgb = [min(255, int(c * bright)) for c in leaf]
        canvas.ellipse(u + dx * scale, v - y * scale, radius * scale, radius * scale * tree.flatness, rgb)
