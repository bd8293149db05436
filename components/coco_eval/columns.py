"""One field of many JSON objects as one column, or the name of the entry that spoils it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from detection.errors import DataError

# Beyond it, areas and overlaps lose their precision or overflow to infinity.
LARGEST_PIXEL = 1e9

_MISSING = object()


@dataclass(frozen=True)
class Entries:
    """The objects of one list of a COCO file.

    Attributes:
        file: The file, for messages.
        where: What the list is, such as ``annotations``.
        items: The objects.
    """

    file: str
    where: str
    items: Sequence[dict[str, Any]]

    def refuse(self, problem: str, rows: Sequence[int], field: str, **details: object) -> NoReturn:
        """Raises a DataError that names the first bad entry and how many there are."""
        row = rows[0]
        others = f", and {len(rows) - 1} more" if len(rows) > 1 else ""
        item = self.items[row]
        named = ", ".join(
            f"{key} {_short(item[key])}" for key in ("id", "image_id", "category_id") if key in item
        )
        place = f"{self.where}[{row}].{field}" + (f" ({named})" if named else "") + others
        details.setdefault("found", _short(item.get(field, "nothing")))
        raise DataError(problem, file=self.file, field=place, **details)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def check_entries(value: Any, file: str, where: str) -> Entries:
    """The list ``value`` of JSON objects; anything else is a DataError."""
    if not isinstance(value, list):
        raise DataError(
            "a list of objects is expected",
            file=file,
            field=where,
            found=_short(value),
            expected="a JSON list",
        )
    for row, item in enumerate(value):
        if not isinstance(item, dict):
            raise DataError(
                "an entry is not an object",
                file=file,
                field=f"{where}[{row}]",
                found=_short(item),
                expected="a JSON object",
            )
    return Entries(file, where, value)


def integer_column(entries: Entries, field: str, default: int | None = None) -> NDArray[np.int64]:
    """[N] int64 of an integer field; a string id, a fraction, a bool or null is refused by name."""
    values = [item.get(field, default) for item in entries.items]
    if set(map(type, values)) - {int}:
        _refuse_non_integers(entries, field, values)
    try:
        return np.array(values, dtype=np.int64).reshape(-1)
    except OverflowError:
        rows = [row for row, value in enumerate(values) if value is None or not -(2**63) <= value < 2**63]
        entries.refuse("an integer is too large", rows, field, expected="a 64-bit integer")


def _refuse_non_integers(entries: Entries, field: str, values: list[Any]) -> NoReturn:
    rows = [row for row, value in enumerate(values) if type(value) is not int]
    strings = isinstance(values[rows[0]], str)
    entries.refuse(
        "an id is a string" if strings else f"the field {field} is missing or not an integer",
        rows,
        field,
        expected="an integer",
        mend="number them from 1, the same way in both files" if strings else None,
    )


def number_column(
    entries: Entries, field: str, default: Callable[[int], float] | None = None
) -> NDArray[np.float64]:
    """[N] float64 of a numeric field; missing (without ``default``), no number, NaN, infinite: refused."""
    values = [item.get(field, _MISSING) for item in entries.items]
    if default is not None:
        values = [default(row) if value is _MISSING else value for row, value in enumerate(values)]
    if set(map(type, values)) - {int, float}:
        rows = [row for row, value in enumerate(values) if type(value) not in (int, float)]
        entries.refuse(
            f"the field {field} is missing or not a number", rows, field, expected="a finite number"
        )
    column = _as_float64(values)
    bad = np.flatnonzero(~np.isfinite(column)).tolist()
    if bad:
        entries.refuse(f"the {field} is not finite", bad, field, expected="a finite number")
    return column


def box_column(entries: Entries) -> NDArray[np.float64]:
    """[N, 4] float64 of ``bbox``: x, y, width, height in pixels; what is not finite, or inverted: refused."""
    boxes = [item.get("bbox") for item in entries.items]
    wrong = [row for row, box in enumerate(boxes) if not isinstance(box, list) or len(box) != 4]
    expected = "[x, y, width, height] in pixels"
    if wrong:
        entries.refuse("a box is missing or has not four numbers", wrong, "bbox", expected=expected)
    flat = [value for box in boxes for value in box]  # type: ignore[union-attr]
    if set(map(type, flat)) - {int, float}:
        rows = [place // 4 for place, value in enumerate(flat) if type(value) not in (int, float)]
        entries.refuse("a box has something else than numbers", rows, "bbox", expected=expected)
    column = _as_float64(flat).reshape(-1, 4)
    bad = np.flatnonzero(~np.isfinite(column).all(axis=1)).tolist()
    if bad:
        entries.refuse("a box is not finite", bad, "bbox", expected=expected)
    huge = np.flatnonzero((np.abs(column) > LARGEST_PIXEL).any(axis=1)).tolist()
    if huge:
        entries.refuse("a box is larger than any image", huge, "bbox", expected=expected)
    inverted = np.flatnonzero((column[:, 2:] < 0).any(axis=1)).tolist()
    if inverted:
        entries.refuse(
            "a box has a negative width or height",
            inverted,
            "bbox",
            expected=expected,
            mend="COCO boxes are [x, y, width, height], not two corners",
        )
    return column


def _as_float64(values: list[Any]) -> NDArray[np.float64]:
    try:
        return np.array(values, dtype=np.float64).reshape(-1)
    except OverflowError:  # an integer with more than 308 digits
        return np.array([_float_or_infinity(value) for value in values], dtype=np.float64)


def _float_or_infinity(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def refuse_repeated(entries: Entries, field: str, values: NDArray[np.int64], mend: str | None = None) -> None:
    """Refuses a value that stands twice in a column that must be unique."""
    _, first = np.unique(values, return_index=True)
    if len(first) == len(values):
        return
    repeated = np.ones(len(values), dtype=bool)
    repeated[first] = False
    entries.refuse(
        f"the same {field} stands twice",
        np.flatnonzero(repeated).tolist(),
        field,
        expected="every id once",
        mend=mend,
    )


def index_of(
    entries: Entries, field: str, values: NDArray[np.int64], known: NDArray[np.int64], what: str, mend: str
) -> NDArray[np.int64]:
    """[N] int64: where each of ``values`` stands in the sorted ids ``known``; an unknown one is refused."""
    places = np.searchsorted(known, values)
    places[places == len(known)] = 0
    bad = np.flatnonzero(known[places] != values).tolist()
    if bad:
        listed = ", ".join(map(str, known[:10].tolist())) + (", ..." if len(known) > 10 else "")
        entries.refuse(what, bad, field, expected=f"one of {listed}", mend=mend)
    return places.astype(np.int64)
