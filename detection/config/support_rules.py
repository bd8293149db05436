"""The words in which :mod:`detection.config.support_table` says what we do with a field."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Rule:
    """What becomes of one field that a config sets.

    Attributes:
        accepts: Whether this value is honoured; an enum's value comes as its name.
        supported: What is honoured, in words, for the error.
        warning: For a field that is read and has no effect: why that does no harm. '' gives no warning.
    """

    accepts: Callable[[Any], bool]
    supported: str
    warning: str = ""


def values(*allowed: Any) -> Rule:
    """Only these values are honoured."""
    return Rule(lambda value: value in allowed, "one of " + ", ".join(map(shown, allowed)))


def within(low: float, high: float) -> Rule:
    """Numbers from ``low`` to ``high``, both included; NaN is outside."""
    return Rule(lambda value: low <= value <= high, f"a number from {low:g} to {high:g}")


def at_least(low: float) -> Rule:
    """Finite numbers from ``low`` on."""
    return Rule(lambda value: low <= value < float("inf"), f"a number of {low:g} or more")


def above(low: float) -> Rule:
    """Finite numbers greater than ``low``."""
    return Rule(lambda value: low < value < float("inf"), f"a number greater than {low:g}")


def ignored(why: str) -> Rule:
    """Read and without effect, with a warning that says why nothing is lost."""
    return Rule(lambda value: True, "anything", why)


def shown(value: Any) -> str:
    """A value as a config would write it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.7g}"
    return repr(value) if isinstance(value, str) and (not value or not value.isupper()) else str(value)


ANY = Rule(lambda value: True, "anything")
POSITIVE = at_least(1)
NOT_NEGATIVE = at_least(0)
FRACTION = within(0, 1)


@dataclass(frozen=True)
class Problem:
    """One reason to refuse a config.

    Attributes:
        path: The field's full path, such as ``model.ssd.feature_extractor.type``.
        found: What stands there.
        expected: What is supported there.
        mend: What to do, where it is more than to write what is expected.
    """

    path: str
    found: str
    expected: str
    mend: str = ""

    def __str__(self) -> str:
        text = f"{self.path}: found {self.found}; supported: {self.expected}"
        return f"{text} ({self.mend})" if self.mend else text
