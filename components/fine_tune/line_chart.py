"""Line charts as inline SVG: no script, no network, readable in light and dark."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 640, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 16, 14, 34
_MAX_POINTS = 500
# Above this ratio of largest to smallest value a linear axis hides the end of the curve.
_LOG_FROM_RATIO = 8.0

Point = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """One curve.

    Attributes:
        name: What the legend calls it.
        points: ``(x, y)`` in order of x; points that are not finite are left out.
        css_class: Its colour, ``line1`` to ``line4``.
        faint: Drawn thin behind the others and not in the legend: the values before smoothing.
    """

    name: str
    points: Sequence[Point]
    css_class: str
    faint: bool = False


def smoothed(points: Sequence[Point], weight: float) -> list[Point]:
    """The exponential moving average of y, without the bias towards its start.

    Args:
        points: ``(x, y)`` in order of x.
        weight: Of the past, 0 to below 1.
    """
    average, total, result = 0.0, 0.0, []
    for x, y in points:
        if not math.isfinite(y):
            continue
        average = weight * average + (1.0 - weight) * y
        total = weight * total + (1.0 - weight)
        result.append((x, average / total))
    return result


def line_chart(title: str, lines: Sequence[Line], x_label: str = "step", log: bool | None = None) -> str:
    """One chart as an HTML ``figure``.

    Args:
        title: Its heading.
        lines: The curves; all points empty gives a figure that says so.
        x_label: Under the axis.
        log: Whether y is logarithmic; None: where the values' range asks for it.
    """
    drawn = [Line(line.name, _finite(line.points), line.css_class, line.faint) for line in lines]
    drawn = [line for line in drawn if line.points]
    heading = f"<figcaption>{escape(title)}</figcaption>"
    if not drawn:
        return f"<figure>{heading}<p class='empty'>nothing was recorded</p></figure>"
    xs = [x for line in drawn for x, _ in line.points]
    ys = [y for line in drawn for _, y in line.points]
    if log is None:
        log = min(ys) > 0 and max(ys) / min(ys) > _LOG_FROM_RATIO
    axis_x = _Axis(min(xs), max(xs), _LEFT, _WIDTH - _RIGHT, log=False)
    low = min(ys) if log else min(0.0, min(ys))
    axis_y = _Axis(low, max(ys), _HEIGHT - _BOTTOM, _TOP, log=log)
    parts = [*_grid(axis_x, axis_y, x_label), *(_path(line, axis_x, axis_y) for line in drawn)]
    legend = "".join(_legend(line) for line in drawn if not line.faint)
    svg = f"<svg viewBox='0 0 {_WIDTH} {_HEIGHT}' role='img' aria-label='{escape(title, quote=True)}'>"
    return f"<figure>{heading}<div class='legend'>{legend}</div>{svg}{''.join(parts)}</svg></figure>"


class _Axis:
    """Maps values to pixels and chooses the ticks."""

    def __init__(self, low: float, high: float, start: float, end: float, *, log: bool) -> None:
        self._log = log
        if high <= low:
            low, high = (
                (low / 2, high * 2) if log else (low - 0.5 * abs(low), high + (0.5 * abs(high) or 1.0))
            )
        self.ticks = _log_ticks(low, high) if log else _linear_ticks(low, high)
        self._low, self._high = self._scale(low), self._scale(high)
        self._start, self._end = start, end

    def _scale(self, value: float) -> float:
        return math.log10(value) if self._log else value

    def __call__(self, value: float) -> float:
        part = (self._scale(value) - self._low) / (self._high - self._low)
        return self._start + part * (self._end - self._start)


def _linear_ticks(low: float, high: float) -> list[float]:
    rough = (high - low) / 5
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(m * magnitude for m in (1, 2, 2.5, 5, 10) if m * magnitude >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [i * step for i in range(first, math.floor(high / step + 1e-9) + 1)]


def _log_ticks(low: float, high: float) -> list[float]:
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    marks = (1, 2, 5) if len(decades) <= 4 else (1,)
    ticks = [mark * 10.0**decade for decade in decades for mark in marks]
    return [tick for tick in ticks if low * 0.999 <= tick <= high * 1.001]


def _grid(axis_x: _Axis, axis_y: _Axis, x_label: str) -> list[str]:
    parts = []
    for tick in axis_y.ticks:
        y = axis_y(tick)
        parts.append(f"<line class='grid' x1='{_LEFT}' x2='{_WIDTH - _RIGHT}' y1='{y:.1f}' y2='{y:.1f}'/>")
        parts.append(f"<text x='{_LEFT - 8}' y='{y + 4:.1f}' text-anchor='end'>{tick:.4g}</text>")
    for tick in axis_x.ticks:
        x = axis_x(tick)
        parts.append(
            f"<text x='{x:.1f}' y='{_HEIGHT - _BOTTOM + 16}' text-anchor='middle'>{tick:,.10g}</text>"
        )
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    label = escape(x_label)
    parts.append(f"<text x='{middle}' y='{_HEIGHT - 3}' text-anchor='middle' class='label'>{label}</text>")
    return parts


def _path(line: Line, axis_x: _Axis, axis_y: _Axis) -> str:
    points = _thinned(line.points)
    # A single point has no line: drawn as a dot by its round cap.
    points = points * 2 if len(points) == 1 else points
    text = " ".join(f"{axis_x(x):.1f},{axis_y(y):.1f}" for x, y in points)
    faint = " faint" if line.faint else ""
    return f"<polyline class='{line.css_class}{faint}' points='{text}'/>"


def _legend(line: Line) -> str:
    last = line.points[-1][1]
    name = escape(line.name)
    return f"<span class='{line.css_class}'><i></i>{name} <b>{last:.4g}</b></span>"


def _finite(points: Sequence[Point]) -> list[Point]:
    return [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]


def _thinned(points: Sequence[Point]) -> list[Point]:
    """At most a few hundred points: means over equal runs of points, the last one kept as it is."""
    size = math.ceil(len(points) / _MAX_POINTS)
    if size <= 1:
        return list(points)
    runs = [points[i : i + size] for i in range(0, len(points), size)]
    means = [(sum(x for x, _ in run) / len(run), sum(y for _, y in run) / len(run)) for run in runs]
    return [*means[:-1], points[-1]]
