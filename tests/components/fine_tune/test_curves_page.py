from __future__ import annotations

import math
import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.fine_tune.curves import curves_page
from components.fine_tune.line_chart import Line, line_chart, smoothed

finite = st.floats(-1e30, 1e30, allow_nan=False)


def entry(step, **values):
    losses = {"Loss/localization_loss": 0.2, "Loss/total_loss": 1.0 / step}
    return {"step": step, **losses, "learning_rate": 0.01, "images_per_second": 20.0, **values}


def chart_tree(html):
    return ElementTree.fromstring(re.search(r"<svg.*</svg>", html, re.DOTALL)[0])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.floats(allow_nan=True)), max_size=40))
def test_any_points_give_a_drawable_chart_inside_its_frame(points):
    html = line_chart("t", [Line("a", sorted(points, key=lambda p: p[0]), "line1")])
    drawable = [p for p in points if math.isfinite(p[1])]
    assert ("nothing was recorded" in html) == (not drawable)
    if not drawable:
        return
    for line in chart_tree(html).iter("polyline"):
        for pair in line.get("points").split():
            x, y = map(float, pair.split(","))
            assert 61.9 <= x <= 624.1 and 13.9 <= y <= 266.1


@given(st.lists(finite, min_size=1, max_size=50), st.floats(0, 0.99))
def test_smoothing_stays_within_the_values(values, weight):
    result = smoothed(list(enumerate(values)), weight)
    slack = 1e-9 * max(map(abs, values)) + 1e-300
    assert len(result) == len(values)
    assert all(min(values) - slack <= y <= max(values) + slack for _, y in result)
    assert result[0][1] == pytest.approx(values[0])


def test_without_weight_of_the_past_nothing_is_smoothed():
    points = [(1.0, 3.0), (2.0, 7.0)]
    assert smoothed(points, 0.0) == points


def test_a_wide_range_is_drawn_on_a_logarithmic_axis():
    points = [(i, 10.0 ** (-i)) for i in range(5)]
    ys = [
        float(p.split(",")[1])
        for p in chart_tree(line_chart("t", [Line("a", points, "line1")]))
        .find("polyline")
        .get("points")
        .split()
    ]
    gaps = [b - a for a, b in pairwise(ys)]
    assert max(gaps) - min(gaps) < 0.3


def test_a_long_run_is_thinned_and_keeps_its_end():
    points = [(i, float(i % 7)) for i in range(1, 100_001)]
    html = line_chart("t", [Line("a", points, "line1")])
    assert len(html) < 30_000
    assert "<b>5</b>" in html  # 100000 % 7


def test_the_page_stands_alone_and_escapes():
    page = curves_page(
        [entry(s) for s in range(1, 200)], title="<b>x</b>", problem="<script>alert(1)</script>"
    )
    assert "<script" not in page and "&lt;script&gt;" in page and "&lt;b&gt;x" in page
    assert not re.search(r"(src|href)\s*=|url\(|@import|http", page)
    assert page.count("<svg") == 4
    for svg in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        ElementTree.fromstring(svg)
    assert ">199<" in page


def test_an_empty_history_is_said_not_drawn():
    page = curves_page([], title="t")
    assert page.count("nothing was recorded") == 4 and "<svg" not in page
