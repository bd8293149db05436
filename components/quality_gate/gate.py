"""The decision: may this candidate become the champion? A pure function of facts, with all its reasons.

The rules, in the order in which they are told:

1. *Is it what was measured?* Each metric that is judged must be a number from 0 to 1 (n/a or NaN refuses),
   and the exported model must have been scored again with the same result as its checkpoint.
2. *Floors.* ``min_<metric>`` of the policy, over all classes; ``min_class_<metric>`` for each class that has
   groundtruth.
3. *The champion.* No champion: nothing to beat. Another label map: refused, the numbers mean something else.
   Another eval digest, or no usable number: not comparable; then the floors alone decide, and where the
   policy sets none, it is refused. On the same digest: better by ``min_gain`` or more passes, worse is
   refused, and equal is refused too, since a new version without a gain is only a risk.

An override, with author and reason, lifts judgements (rules 2 and 3), never rule 1: no person's word makes
a broken export or a NaN a good one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from components.quality_gate.policy import GatePolicy, Override

# Metrics are means of hundreds of thousands of terms; below this two of them are the same number.
SAME_NUMBER = 1e-9

Outcome = Literal["pass", "refuse", "note"]
Metrics = Mapping[str, float | None]
LabelMap = tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class ModelScores:
    """What was measured of a model.

    Attributes:
        metrics: The COCO numbers by name, 0 to 1; None is n/a.
        eval_digest: Digest of the data it was measured on.
        label_map: Id and name of each class, by ascending id.
        per_class: Class name to its numbers.
        version: What the registry calls it; '' for the candidate.
    """

    metrics: Metrics
    eval_digest: str
    label_map: LabelMap
    per_class: Mapping[str, Metrics] = field(default_factory=dict)
    version: str = ""


@dataclass(frozen=True)
class ExportCheck:
    """Whether the exported file was scored again and equals its checkpoint.

    Attributes:
        compared: False where nobody scored the exported file against this evaluation.
        equal: Whether its metrics are within the tolerance of the checkpoint's.
        largest_difference: Of any metric; None where not compared or not a number.
        tolerance: What was allowed.
    """

    compared: bool
    equal: bool
    largest_difference: float | None = None
    tolerance: float | None = None


@dataclass(frozen=True)
class Reason:
    """One thing that was looked at.

    Attributes:
        code: Stable name for machines, such as ``floor`` or ``champion_better``.
        outcome: ``pass``, ``refuse``, or ``note`` where it decides nothing.
        message: One sentence for people.
        metric: The metric it is about; '' where none.
        found: The candidate's value, where there is one.
        expected: The value it was held against, where there is one.
        overridable: Whether an override may lift it.
    """

    code: str
    outcome: Outcome
    message: str
    metric: str = ""
    found: float | None = None
    expected: float | None = None
    overridable: bool = True


@dataclass(frozen=True)
class Verdict:
    """The decision.

    Attributes:
        passed: Whether the candidate may become the champion.
        reasons: All that was looked at, in the order of the rules.
        overridden: Whether it passed only by the override.
        override: The override that was given, whether it was needed or not.
    """

    passed: bool
    reasons: tuple[Reason, ...]
    overridden: bool = False
    override: Override | None = None

    @property
    def refusals(self) -> tuple[Reason, ...]:
        """The reasons against it."""
        return tuple(reason for reason in self.reasons if reason.outcome == "refuse")


def decide(
    candidate: ModelScores,
    champion: ModelScores | None,
    export: ExportCheck,
    policy: GatePolicy,
    override: Override | None = None,
) -> Verdict:
    """Decides by the rules above; the same facts always give the same verdict.

    Args:
        candidate: The new model.
        champion: The registry's current version; None where there is none.
        export: How the exported file compares with its checkpoint.
        policy: Floors and how the champion is compared.
        override: A person's decision to publish all the same.
    """
    reasons = (
        *_check_export(export),
        *_check_numbers(candidate, policy),
        *_check_floors(candidate, policy),
        *_check_class_floors(candidate, policy),
        *_compare(candidate, champion, policy),
    )
    refusals = [reason for reason in reasons if reason.outcome == "refuse"]
    lifted = bool(refusals) and override is not None and all(reason.overridable for reason in refusals)
    return Verdict(not refusals or lifted, reasons, lifted, override)


def _check_export(export: ExportCheck) -> list[Reason]:
    if not export.compared:
        message = "No score of the exported model belongs to this evaluation: it may be another model."
        return [Reason("export_not_checked", "refuse", message, overridable=False)]
    if export.equal:
        return [Reason("export_equal", "pass", "The exported model scores as its checkpoint does.")]
    found, allowed = export.largest_difference, export.tolerance
    by = "" if found is None else f" by {found:.2g}"
    limit = "" if allowed is None else f", {allowed:.2g} is allowed"
    message = f"The exported model's metrics differ from its checkpoint's{by}{limit}."
    return [
        Reason("export_differs", "refuse", message, found=found, expected=allowed, overridable=False),
    ]


def _usable(value: float | None) -> bool:
    # bool is an int to Python, and a metric that is true is a mistake.
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and 0 <= value <= 1
    )


def _check_numbers(candidate: ModelScores, policy: GatePolicy) -> list[Reason]:
    reasons = []
    for metric in policy.judged_metrics:
        value = candidate.metrics.get(metric)
        if _usable(value):
            continue
        if value is None:
            message = f"{metric} is n/a: the eval data has no groundtruth for it."
            reasons.append(Reason("metric_not_available", "refuse", message, metric, overridable=False))
        else:
            message = f"{metric} is {value}, which is not a number from 0 to 1."
            reasons.append(Reason("metric_not_a_number", "refuse", message, metric, overridable=False))
    return reasons


def _check_floors(candidate: ModelScores, policy: GatePolicy) -> list[Reason]:
    return [
        _floor(metric, candidate.metrics.get(metric), floor, "over all classes")
        for metric, floor in policy.floors.items()
        if _usable(candidate.metrics.get(metric))
    ]


def _check_class_floors(candidate: ModelScores, policy: GatePolicy) -> list[Reason]:
    reasons = []
    for metric, floor in policy.class_floors.items():
        for name, numbers in candidate.per_class.items():
            value = numbers.get(metric)
            if value is None:
                message = f"{metric} of {name} is n/a: the eval data has no groundtruth for it."
                reasons.append(Reason("class_not_available", "note", message, metric))
            elif not _usable(value):
                message = f"{metric} of {name} is {value}, which is not a number from 0 to 1."
                reasons.append(Reason("metric_not_a_number", "refuse", message, metric, overridable=False))
            else:
                reasons.append(_floor(metric, value, floor, f"of {name}"))
    return reasons


def _floor(metric: str, value: float | None, floor: float, scope: str) -> Reason:
    assert value is not None
    reached = value >= floor - SAME_NUMBER
    relation = "reaches" if reached else "is below"
    message = f"{metric} {scope} is {value:.4f} and {relation} the floor of {floor:.4f}."
    return Reason("floor", "pass" if reached else "refuse", message, metric, value, floor)


def _compare(candidate: ModelScores, champion: ModelScores | None, policy: GatePolicy) -> list[Reason]:
    if champion is None:
        return [Reason("no_champion", "note", "There is no champion yet: nothing has to be beaten.")]
    who = f"the champion {champion.version}".rstrip()
    if champion.label_map != candidate.label_map:
        message = (
            f"The label map is not that of {who}: {_differing(candidate.label_map, champion.label_map)}."
        )
        return [Reason("other_label_map", "refuse", message)]
    if champion.eval_digest != candidate.eval_digest:
        message = f"{_capital(who)} was measured on other data ({champion.eval_digest[:19]})"
        return [_not_comparable("other_eval_digest", message, policy)]
    metric = policy.metric
    own, other = candidate.metrics.get(metric), champion.metrics.get(metric)
    if not _usable(other):
        message = f"{_capital(who)} has no usable {metric} ({'n/a' if other is None else other})"
        return [_not_comparable("champion_without_metric", message, policy)]
    if not _usable(own):
        return []  # refused above, by name
    assert own is not None and other is not None
    return [_gain(own, other, metric, who, policy.min_gain)]


def _gain(own: float, other: float, metric: str, who: str, min_gain: float) -> Reason:
    difference = own - other
    numbers = f"{metric} {own:.4f} against {other:.4f} of {who} ({difference:+.4f})"
    if abs(difference) <= SAME_NUMBER:
        message = f"Equal to the champion: {numbers}; without a gain the champion stays."
        return Reason("champion_equal", "refuse", message, metric, own, other)
    if difference < 0:
        message = f"Worse than the champion: {numbers}."
        return Reason("champion_worse", "refuse", message, metric, own, other)
    if difference < min_gain - SAME_NUMBER:
        message = f"Too small a gain: {numbers}; at least {min_gain:.4f} is asked for."
        return Reason("gain_too_small", "refuse", message, metric, own, other + min_gain)
    return Reason("champion_better", "pass", f"Better than the champion: {numbers}.", metric, own, other)


def _not_comparable(code: str, message: str, policy: GatePolicy) -> Reason:
    if policy.when_not_comparable == "refuse":
        return Reason(code, "refuse", f"{message}: not comparable, which the policy refuses.")
    if policy.has_floors:
        return Reason(code, "note", f"{message}: not comparable, so the floors alone decide.")
    message = f"{message}: not comparable, and the policy sets no floor to judge by."
    return Reason(code, "refuse", message)


def _differing(candidate: LabelMap, champion: LabelMap) -> str:
    added = [f"{number} {name}" for number, name in candidate if (number, name) not in champion]
    gone = [f"{number} {name}" for number, name in champion if (number, name) not in candidate]
    parts = [f"new {', '.join(added)}"] * bool(added) + [f"gone {', '.join(gone)}"] * bool(gone)
    return "; ".join(parts) or "another order"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
