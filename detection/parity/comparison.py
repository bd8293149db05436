"""One tensor against its recording: the largest difference, the tolerance and the verdict."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike


class Tolerance(NamedTuple):
    """Allowed: ``absolute + relative * |recorded|`` at every element, ``mean`` on average (0: any)."""

    absolute: float
    relative: float = 0.0
    mean: float = 0.0

    def __str__(self) -> str:
        parts = [f"{self.absolute:g}" if self.absolute or not self.relative else ""]
        parts += [f"{self.relative:g} of the value"] if self.relative else []
        text = " + ".join(part for part in parts if part)
        return text + (f", mean {self.mean:g}" if self.mean else "")


EXACT = Tolerance(0.0)
# Ours and the recording do the same operations in float32: a few of its last places, more for large numbers.
SAME_FORMULA = Tolerance(1e-5, relative=1e-5)
# Rounding of a whole network in inference (OD_API_SPEC section 15).
NETWORK = Tolerance(1e-3)
# Batch normalisation with the statistics of two images amplifies rounding (OD_API_SPEC section 15).
TRAINING_NETWORK = Tolerance(0.1, mean=0.02)


@dataclass(frozen=True)
class Comparison:
    """What came out for one tensor.

    Attributes:
        name: Name of the recorded tensor.
        largest_difference: Largest absolute difference; infinite where shapes differ or a value is not
            finite.
        tolerance: What is allowed.
        passed: Whether every element is within the tolerance.
        note: What else is worth knowing.
    """

    name: str
    largest_difference: float
    tolerance: Tolerance
    passed: bool
    note: str = ""


def compare(
    name: str, ours: ArrayLike, recorded: ArrayLike, tolerance: Tolerance, note: str = ""
) -> Comparison:
    """Compares ``ours`` with ``recorded``, arrays of any shape and dtype."""
    found, expected = np.asarray(ours, np.float64), np.asarray(recorded, np.float64)
    if found.shape != expected.shape:
        shapes = f"shape {found.shape}, recorded {expected.shape}"
        return Comparison(name, float("inf"), tolerance, False, shapes)
    if not found.size:
        return Comparison(name, 0.0, tolerance, True, "empty")
    difference = np.nan_to_num(np.abs(found - expected), nan=np.inf, posinf=np.inf)
    passed = bool(np.all(difference <= tolerance.absolute + tolerance.relative * np.abs(expected)))
    if tolerance.mean:
        passed = passed and float(difference.mean()) <= tolerance.mean
    return Comparison(name, float(difference.max()), tolerance, passed, note)


def compare_distance(
    name: str, ours: ArrayLike, recorded: ArrayLike, tolerance: Tolerance, floor: float
) -> Comparison:
    """Compares whole tensors: the length of their difference by the recorded length, at least ``floor``.

    For tensors whose elements are too sensitive to rounding to be compared one by one.
    """
    found, expected = np.asarray(ours, np.float64), np.asarray(recorded, np.float64)
    if found.shape != expected.shape:
        return compare(name, found, expected, tolerance)
    distance = float(np.linalg.norm(found - expected) / max(float(np.linalg.norm(expected)), floor))
    return Comparison(name, distance, tolerance, distance <= tolerance.absolute)


def worst(name: str, comparisons: Sequence[Comparison]) -> Comparison:
    """One line for many tensors of a kind: the one that is furthest from passing."""
    failed = [one for one in comparisons if not one.passed]
    chosen = max(failed or comparisons, key=lambda one: one.largest_difference)
    middle = float(np.median([one.largest_difference for one in comparisons]))
    note = f"worst of {len(comparisons)} (median {middle:.2g}): {chosen.name}"
    if failed:
        note = f"{len(failed)} of {len(comparisons)} differ, worst {chosen.name}"
    return Comparison(name, chosen.largest_difference, chosen.tolerance, not failed, note)


def as_table(comparisons: Iterable[Comparison]) -> str:
    """The comparisons as aligned text, one line each."""
    rows = [("tensor", "largest difference", "tolerance", "verdict", "")]
    for one in comparisons:
        verdict = "equal" if one.passed else "DIFFERS"
        rows.append((one.name, f"{one.largest_difference:.3g}", str(one.tolerance), verdict, one.note))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, (*widths, 0), strict=True)) for row in rows
    ]
    return "\n".join(line.rstrip() for line in lines)
