"""The gate's policy: a small JSON object, every key of which is known."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from components.coco_eval.scoring import METRIC_NAMES
from detection.errors import ConfigError

FLOOR = "min_"
CLASS_FLOOR = "min_class_"
SETTINGS = ("metric", "min_gain", "when_not_comparable", "override")
WHEN_NOT_COMPARABLE = ("floors", "refuse")


@dataclass(frozen=True)
class Override:
    """A person's decision to publish in spite of the gate: who, and why. Both are kept in the verdict."""

    author: str
    reason: str


@dataclass(frozen=True)
class GatePolicy:
    """What a candidate must reach.

    Attributes:
        floors: Metric to the least value over all classes, 0 to 1.
        class_floors: Metric to the least value of each class that has groundtruth, 0 to 1.
        metric: What candidate and champion are compared by.
        min_gain: How much better the candidate must be, 0 or more; equal never passes.
        when_not_comparable: Where the champion was measured on other data: ``floors`` lets the floors alone
            decide, ``refuse`` refuses.
    """

    floors: Mapping[str, float] = field(default_factory=dict)
    class_floors: Mapping[str, float] = field(default_factory=dict)
    metric: str = "AP"
    min_gain: float = 0.0
    when_not_comparable: Literal["floors", "refuse"] = "floors"

    @property
    def has_floors(self) -> bool:
        """Whether anything is judged without a champion. A floor of 0 judges nothing."""
        return any(floor > 0 for floor in (*self.floors.values(), *self.class_floors.values()))

    @property
    def judged_metrics(self) -> tuple[str, ...]:
        """The metrics over all classes that must be numbers."""
        return tuple(dict.fromkeys((self.metric, *self.floors)))


def parse_policy(text: str) -> tuple[GatePolicy, Override | None]:
    """Reads a policy from JSON, such as ``{"min_AP50": 0.5, "min_class_AP50": 0.2, "min_gain": 0.002}``.

    '' is the default policy. ``override`` holds ``{"author": ..., "reason": ...}``.

    Raises:
        ConfigError: For what is not JSON, an unknown key, or a value that cannot be.
    """
    try:
        content = json.loads(text) if text.strip() else {}
    except json.JSONDecodeError as error:
        raise ConfigError(
            "the policy is not JSON",
            field="policy",
            found=f"{error.msg}: {text[:80]}",
            expected="a JSON object",
        ) from None
    if not isinstance(content, dict):
        raise ConfigError("the policy is not an object", field="policy", found=text[:80], expected="{...}")
    floors, class_floors, settings = {}, {}, {}
    for key, value in content.items():
        if key in SETTINGS:
            settings[key] = value
        elif key.startswith(CLASS_FLOOR) and key.removeprefix(CLASS_FLOOR) in METRIC_NAMES:
            class_floors[key.removeprefix(CLASS_FLOOR)] = _fraction(key, value)
        elif key.startswith(FLOOR) and key.removeprefix(FLOOR) in METRIC_NAMES:
            floors[key.removeprefix(FLOOR)] = _fraction(key, value)
        else:
            _refuse_key(key)
    policy = GatePolicy(
        floors=floors,
        class_floors=class_floors,
        metric=_choice("metric", settings.get("metric", "AP"), METRIC_NAMES),
        min_gain=_fraction("min_gain", settings.get("min_gain", 0.0)),
        when_not_comparable=_choice(  # type: ignore[arg-type]
            "when_not_comparable", settings.get("when_not_comparable", "floors"), WHEN_NOT_COMPARABLE
        ),
    )
    return policy, _override(settings.get("override"))


def _refuse_key(key: str) -> None:
    raise ConfigError(
        "unknown key in the gate's policy",
        field=f"policy.{key}",
        expected=f"{', '.join(SETTINGS)}, min_<metric> or min_class_<metric>",
        mend=f"metrics are {', '.join(METRIC_NAMES)}",
    )


def _fraction(key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ConfigError(
            "a value of the gate's policy cannot be", field=f"policy.{key}", found=value, expected="0 to 1"
        )
    return float(value)


def _choice(key: str, value: Any, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ConfigError(
            "a value of the gate's policy cannot be",
            field=f"policy.{key}",
            found=value,
            expected=", ".join(allowed),
        )
    return str(value)


def _override(value: Any) -> Override | None:
    if value is None:
        return None
    texts = list(value.values()) if isinstance(value, dict) and set(value) == {"author", "reason"} else []
    if not texts or not all(isinstance(text, str) and text.strip() for text in texts):
        raise ConfigError(
            "an override must say who and why",
            field="policy.override",
            found=value,
            expected='{"author": "name", "reason": "why"}',
        )
    return Override(value["author"].strip(), value["reason"].strip())
