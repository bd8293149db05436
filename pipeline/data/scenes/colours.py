"""Colours as (red, green, blue), 0..255, before lighting."""

from __future__ import annotations

Rgb = tuple[float, float, float]


def mixed(colour: Rgb, other: Rgb, share: float) -> Rgb:
    """``share`` of ``other`` in ``colour``."""
    first, second, third = (a + (b - a) * share for a, b in zip(colour, other, strict=True))
    return first, second, third


def scaled(colour: Rgb, factor: float, lift: float = 0.0) -> Rgb:
    """``colour`` times ``factor`` plus ``lift``, kept within 0..250."""
    first, second, third = (min(250.0, max(0.0, part * factor + lift)) for part in colour)
    return first, second, third
