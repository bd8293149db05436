from __future__ import annotations

import math

import pytest

from detection.parity.comparison import Tolerance, as_table, compare, compare_distance, worst


@pytest.mark.parametrize(
    ("ours", "recorded", "tolerance", "passed"),
    [
        ([1.0, 2.0], [1.0, 2.0], Tolerance(0.0), True),
        ([1.0, 2.0], [1.0, 2.1], Tolerance(0.0), False),
        ([1.0, 2.0], [1.0, 2.1], Tolerance(0.11), True),
        ([100.0], [101.0], Tolerance(0.0, relative=0.01), True),
        ([100.0], [102.0], Tolerance(0.0, relative=0.01), False),
        ([0.1, 0.1], [0.0, 0.0], Tolerance(0.2, mean=0.05), False),
        ([0.1, 0.0], [0.0, 0.0], Tolerance(0.2, mean=0.05), True),
        ([math.nan], [0.0], Tolerance(1e9), False),
        ([math.nan], [math.nan], Tolerance(1e9), False),
        ([math.inf], [0.0], Tolerance(1e9), False),
        ([1.0], [1.0, 1.0], Tolerance(1.0), False),
        ([], [], Tolerance(0.0), True),
        (3.0, 3.0, Tolerance(0.0), True),
    ],
)
def test_verdicts(ours, recorded, tolerance, passed):
    assert compare("x", ours, recorded, tolerance).passed is passed


def test_distances_of_whole_tensors():
    assert compare_distance("g", [3.0, 4.0], [3.0, 4.5], Tolerance(0.1), 0.0).passed
    assert not compare_distance("g", [3.0, 4.0], [-3.0, -4.0], Tolerance(0.5), 0.0).passed
    assert compare_distance("g", [1e-9], [0.0], Tolerance(0.5), floor=1e-4).passed
    assert not compare_distance("g", [1.0], [1.0, 2.0], Tolerance(0.5), 0.0).passed
    assert not compare_distance("g", [math.nan], [1.0], Tolerance(0.5), 0.0).passed


def test_the_worst_of_many_is_one_that_failed():
    fine = compare("fine", [5.0], [0.0], Tolerance(6.0))
    bad = compare("bad", [1.0], [0.0], Tolerance(0.5))
    both = worst("all", [fine, bad])
    assert not both.passed and "bad" in both.note and both.largest_difference == 1.0
    assert worst("all", [fine]).passed
    table = as_table([fine, both])
    assert "DIFFERS" in table.splitlines()[2] and "equal" in table.splitlines()[1]
