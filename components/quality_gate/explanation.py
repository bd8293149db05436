"""The verdict for machines (verdict.json) and for people (explanation.md): the same facts."""

from __future__ import annotations

import html
import math
import re
from dataclasses import asdict
from typing import Any

from components.quality_gate.gate import ModelScores, Outcome, Reason, Verdict
from components.quality_gate.policy import GatePolicy

SCHEMA_VERSION = 1
_MARKS: dict[Outcome, str] = {"pass": "passed", "refuse": "**refused**", "note": "note"}


def verdict_content(
    verdict: Verdict, candidate: ModelScores, champion: ModelScores | None, policy: GatePolicy
) -> dict[str, Any]:
    """What verdict.json holds; a NaN becomes null there, and is named in its reason's message."""
    content = {
        "schema_version": SCHEMA_VERSION,
        "passed": verdict.passed,
        "overridden": verdict.overridden,
        "override": None if verdict.override is None else asdict(verdict.override),
        "reasons": [asdict(reason) for reason in verdict.reasons],
        "policy": asdict(policy),
        "candidate": _scores_content(candidate),
        "champion": None if champion is None else _scores_content(champion),
    }
    cleaned: dict[str, Any] = _without_nan(content)
    return cleaned


def _scores_content(scores: ModelScores) -> dict[str, Any]:
    return {
        "version": scores.version,
        "metrics": dict(scores.metrics),
        "eval_digest": scores.eval_digest,
        "label_map": [{"id": number, "name": name} for number, name in scores.label_map],
    }


def _without_nan(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return value


def explanation_markdown(
    verdict: Verdict, candidate: ModelScores, champion: ModelScores | None, policy: GatePolicy
) -> str:
    """The verdict, every reason, and the numbers side by side."""
    lines = [f"# Quality gate: {'passed' if verdict.passed else 'refused'}", ""]
    lines += [_summary(verdict), ""]
    if verdict.override is not None:
        who, why = _plain(verdict.override.author), _plain(verdict.override.reason)
        lines += [f"**Override** by {who}: {why}{'' if verdict.overridden else ' ' + _unused(verdict)}", ""]
    lines += ["| | checked |", "|---|---|"]
    lines += [f"| {_MARKS[reason.outcome]} | {_plain(reason.message)} |" for reason in verdict.reasons]
    lines += ["", *_numbers(candidate, champion, policy), ""]
    return "\n".join(lines)


def _summary(verdict: Verdict) -> str:
    if verdict.overridden:
        return f"Refused by {_count(verdict.refusals)}, and let through by an override."
    if verdict.passed:
        return "The model may be published and become the champion."
    return f"The model is not published. Refused by {_count(verdict.refusals)}."


def _unused(verdict: Verdict) -> str:
    if verdict.passed:
        return "(It was not needed.)"
    return "(It does not lift: " + ", ".join(r.code for r in verdict.refusals if not r.overridable) + ".)"


def _count(refusals: tuple[Reason, ...]) -> str:
    return "1 reason" if len(refusals) == 1 else f"{len(refusals)} reasons"


def _numbers(candidate: ModelScores, champion: ModelScores | None, policy: GatePolicy) -> list[str]:
    other = f"champion {_plain(champion.version)}" if champion else "no champion"
    lines = [f"| metric | candidate | {other} | floor |", "|---|---:|---:|---:|"]
    for name, value in candidate.metrics.items():
        held = None if champion is None else champion.metrics.get(name)
        floor = policy.floors.get(name)
        shown = f"**{name}**" if name == policy.metric else name
        lines.append(
            f"| {shown} | {_number(value)} | {'' if champion is None else _number(held)} "
            f"| {'' if floor is None else f'{floor:.4f}'} |"
        )
    lines += ["", f"Compared by {policy.metric}. Eval data: `{_plain(candidate.eval_digest)}`"]
    return lines


def _number(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.4f}"


def _plain(text: str) -> str:
    """Names come from data: nothing in them may become markup, or break the table."""
    one_line = html.escape(" ".join(text.split()), quote=False)
    return re.sub(r"([\\`*\[\]|])", r"\\\1", one_line)
