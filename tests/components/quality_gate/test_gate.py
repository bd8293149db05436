"""The gate's truth table: every combination of what can be, against an independent statement of the rules."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.coco_eval.scoring import METRIC_NAMES
from components.quality_gate.gate import ExportCheck, ModelScores, Verdict, decide
from components.quality_gate.policy import GatePolicy, Override

LABELS = ((1, "vehicle"), (2, "pedestrian"), (4, "cyclist"))
EQUAL_EXPORT = ExportCheck(compared=True, equal=True, largest_difference=0.0, tolerance=1e-3)
SOMEONE = Override("Ada", "the old model's licence has ended")
NAN = float("nan")


def scores(ap: float | None = 0.40, digest: str = "sha256:a", **changes: Any) -> ModelScores:
    metrics: dict[str, float | None] = dict.fromkeys(METRIC_NAMES, 0.30)
    metrics["AP"] = ap
    return ModelScores(**{"metrics": metrics, "eval_digest": digest, "label_map": LABELS, **changes})


EXPORTS = {
    "equal": EQUAL_EXPORT,
    "differs": ExportCheck(compared=True, equal=False, largest_difference=0.2, tolerance=1e-3),
    "not compared": ExportCheck(compared=False, equal=False),
    # A check that says equal without having compared is no check.
    "equal but not compared": ExportCheck(compared=False, equal=True),
}
CANDIDATES: dict[str, float | None] = {
    "number": 0.40,
    "n/a": None,
    "NaN": NAN,
    "infinite": math.inf,
    "negative": -1.0,
    "above one": 1.5,
}
CHAMPIONS: dict[str, ModelScores | None] = {
    "none": None,
    "worse": scores(0.35),
    "equal": scores(0.40),
    "better": scores(0.45),
    "without metric": scores(None),
    "with NaN": scores(NAN),
    "other digest": scores(0.10, "sha256:b"),
    "other labels": scores(0.10, label_map=LABELS[:2]),
    "other labels and digest": scores(0.10, "sha256:b", label_map=LABELS[:2]),
}
POLICIES = {
    "nothing": GatePolicy(),
    "floor reached": GatePolicy(floors={"AP": 0.40}),
    "floor missed": GatePolicy(floors={"AP50": 0.31}),
    "floor of zero": GatePolicy(floors={"AP50": 0.0}),
    "strict": GatePolicy(floors={"AP": 0.1}, when_not_comparable="refuse"),
    "gain reached": GatePolicy(min_gain=0.05),
    "gain missed": GatePolicy(min_gain=0.06),
}
TABLE = list(itertools.product(CANDIDATES, CHAMPIONS, EXPORTS, POLICIES, (None, SOMEONE)))


def expected_pass(candidate: str, champion: str, export: str, policy: str, overridden: bool) -> bool:
    """The rules once more, as one would say them to a colleague."""
    if export != "equal" or candidate != "number":
        return False
    if overridden:
        return True
    if policy == "floor missed":
        return False
    if champion == "none":
        return True
    if champion in ("worse",):
        return policy != "gain missed"
    if champion in ("equal", "better", "other labels", "other labels and digest"):
        return False
    assert champion in ("other digest", "without metric", "with NaN")
    return policy == "floor reached"


@pytest.mark.parametrize("candidate", CANDIDATES)
@pytest.mark.parametrize("champion", CHAMPIONS)
def test_truth_table(candidate: str, champion: str) -> None:
    rows = [row for row in TABLE if row[:2] == (candidate, champion)]
    assert len(rows) == len(EXPORTS) * len(POLICIES) * 2
    for _, _, export, policy, override in rows:
        verdict = decide(
            scores(CANDIDATES[candidate]), CHAMPIONS[champion], EXPORTS[export], POLICIES[policy], override
        )
        where = (candidate, champion, export, policy, override)
        assert verdict.passed == expected_pass(candidate, champion, export, policy, override is not None), (
            where
        )
        without = expected_pass(candidate, champion, export, policy, False)
        assert verdict.overridden == (verdict.passed and not without), where
        assert verdict.override == override
        assert bool(verdict.refusals) == (not without), where
        assert all(reason.message.endswith(".") and reason.code for reason in verdict.reasons), where


def _codes(verdict: Verdict) -> set[tuple[str, str]]:
    return {(reason.code, reason.outcome) for reason in verdict.reasons}


@pytest.mark.parametrize(
    ("candidate", "champion", "export", "policy", "code"),
    [
        ("number", "none", "equal", "nothing", ("no_champion", "note")),
        ("number", "worse", "equal", "nothing", ("champion_better", "pass")),
        ("number", "equal", "equal", "nothing", ("champion_equal", "refuse")),
        ("number", "better", "equal", "nothing", ("champion_worse", "refuse")),
        ("number", "worse", "equal", "gain missed", ("gain_too_small", "refuse")),
        ("number", "other digest", "equal", "floor reached", ("other_eval_digest", "note")),
        ("number", "other digest", "equal", "nothing", ("other_eval_digest", "refuse")),
        ("number", "other digest", "equal", "floor of zero", ("other_eval_digest", "refuse")),
        ("number", "other digest", "equal", "strict", ("other_eval_digest", "refuse")),
        ("number", "without metric", "equal", "floor reached", ("champion_without_metric", "note")),
        ("number", "with NaN", "equal", "nothing", ("champion_without_metric", "refuse")),
        ("number", "other labels", "equal", "nothing", ("other_label_map", "refuse")),
        ("number", "other labels and digest", "equal", "nothing", ("other_label_map", "refuse")),
        ("number", "worse", "differs", "nothing", ("export_differs", "refuse")),
        ("number", "worse", "not compared", "nothing", ("export_not_checked", "refuse")),
        ("number", "worse", "equal", "floor missed", ("floor", "refuse")),
        ("number", "worse", "equal", "floor reached", ("floor", "pass")),
        ("n/a", "worse", "equal", "nothing", ("metric_not_available", "refuse")),
        ("NaN", "worse", "equal", "nothing", ("metric_not_a_number", "refuse")),
        ("negative", "none", "equal", "nothing", ("metric_not_a_number", "refuse")),
    ],
)
def test_reasons_have_their_codes(
    candidate: str, champion: str, export: str, policy: str, code: tuple[str, str]
) -> None:
    verdict = decide(
        scores(CANDIDATES[candidate]), CHAMPIONS[champion], EXPORTS[export], POLICIES[policy], None
    )
    assert code in _codes(verdict)


def test_every_reason_is_told_not_only_the_first() -> None:
    verdict = decide(
        scores(0.2), scores(0.5, version="7"), EXPORTS["differs"], GatePolicy(floors={"AP": 0.3, "AP50": 0.9})
    )
    assert [reason.code for reason in verdict.refusals] == [
        "export_differs",
        "floor",
        "floor",
        "champion_worse",
    ]
    told = verdict.refusals[-1].message
    assert "0.2000" in told and "0.5000" in told and "champion 7" in told


@pytest.mark.parametrize("bad", [None, NAN])
def test_a_floor_on_a_number_that_is_not_there_is_refused(bad: float | None) -> None:
    candidate = scores(0.4)
    metrics = {**candidate.metrics, "AP_small": bad}
    verdict = decide(
        replace(candidate, metrics=metrics), None, EQUAL_EXPORT, GatePolicy(floors={"AP_small": 0.1}), SOMEONE
    )
    assert not verdict.passed and verdict.refusals[0].metric == "AP_small"
    # The same number without a floor on it does not matter.
    assert decide(replace(candidate, metrics=metrics), None, EQUAL_EXPORT, GatePolicy()).passed


@pytest.mark.parametrize(
    ("per_class", "passed"),
    [
        ({"vehicle": 0.5, "cyclist": 0.2}, True),
        ({"vehicle": 0.5, "cyclist": 0.19}, False),
        ({"vehicle": 0.5, "cyclist": None}, True),
        ({"vehicle": 0.5, "cyclist": NAN}, False),
    ],
)
def test_class_floors(per_class: dict[str, float | None], passed: bool) -> None:
    candidate = scores(0.4, per_class={name: {"AP50": value} for name, value in per_class.items()})
    verdict = decide(candidate, None, EQUAL_EXPORT, GatePolicy(class_floors={"AP50": 0.2}))
    assert verdict.passed == passed
    assert passed or "cyclist" in verdict.refusals[0].message


def test_the_policy_chooses_the_metric() -> None:
    better_ap = scores(0.5)
    worse_ap50 = replace(better_ap, metrics={**better_ap.metrics, "AP50": 0.1})
    assert decide(worse_ap50, scores(0.4), EQUAL_EXPORT, GatePolicy()).passed
    assert not decide(worse_ap50, scores(0.4), EQUAL_EXPORT, GatePolicy(metric="AP50")).passed


fractions = st.floats(0, 1)


@given(own=fractions, other=fractions, gain=fractions, floor=fractions)
def test_a_better_candidate_never_fares_worse(own: float, other: float, gain: float, floor: float) -> None:
    policy = GatePolicy(floors={"AP": floor}, min_gain=gain)
    champion = scores(other)
    passed = [
        decide(scores(value), champion, EQUAL_EXPORT, policy).passed for value in (own, min(1.0, own + 0.1))
    ]
    assert passed[0] <= passed[1]


@given(own=fractions, other=fractions, gain=fractions)
def test_only_a_real_gain_passes(own: float, other: float, gain: float) -> None:
    passed = decide(scores(own), scores(other), EQUAL_EXPORT, GatePolicy(min_gain=gain)).passed
    if passed:
        assert own > other and own - other >= gain - 1e-8
    elif own > other + 1e-8:
        assert own - other < gain + 1e-8
    # Two models are never each other's better.
    assert not (passed and decide(scores(other), scores(own), EQUAL_EXPORT, GatePolicy(min_gain=gain)).passed)


def test_rounding_does_not_decide() -> None:
    policy = GatePolicy(floors={"AP": 0.3}, min_gain=0.1)
    assert decide(scores(0.1 + 0.2), None, EQUAL_EXPORT, GatePolicy(floors={"AP": 0.1 + 0.2})).passed
    assert decide(scores(0.8), scores(0.7), EQUAL_EXPORT, policy).passed  # 0.8 - 0.7 is below 0.1 in binary
    almost = decide(scores(0.5 + 1e-12), scores(0.5), EQUAL_EXPORT, GatePolicy())
    assert ("champion_equal", "refuse") in _codes(almost)
