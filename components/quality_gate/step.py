"""quality_gate's work: gather, decide, write the verdict and its reasons."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from components.coco_eval.json_files import AtomicTextFile, write_json
from components.quality_gate.evidence import read_candidate, read_champion_scores, read_export_check
from components.quality_gate.explanation import explanation_markdown, verdict_content
from components.quality_gate.gate import Verdict, decide
from components.quality_gate.policy import parse_policy


def run_gate(
    *,
    evaluation: Path,
    exported: Path,
    registry_uri: str,
    model_name: str,
    policy: str,
    verdict: Path,
    explanation: Path,
    run_uri: str = "",
) -> Verdict:
    """Decides whether a model may become the champion.

    Args:
        evaluation: coco_eval's folder.
        exported: export_model's bundle.
        registry_uri: The registry; its champion is read, nothing is written.
        model_name: The model in the registry.
        policy: JSON, see ``parse_policy``; '' for the default.
        verdict: Where verdict.json goes.
        explanation: Where explanation.md goes.
        run_uri: This run, so that a repeated gate does not take the run's own push for a rival.

    Raises:
        UserError: For a policy, evaluation or registry that cannot be read. A refusal is no error.
    """
    rules, override = parse_policy(policy)
    candidate = read_candidate(evaluation)
    champion = read_champion_scores(registry_uri, model_name, run_uri)
    decision = decide(candidate, champion, read_export_check(exported, candidate), rules, override)
    write_json(verdict, verdict_content(decision, candidate, champion, rules))
    with AtomicTextFile(explanation) as stream:
        stream.write(explanation_markdown(decision, candidate, champion, rules))
    return decision


def verdict_facts(decision: Verdict) -> dict[str, Any]:
    """What the run record keeps of a verdict."""
    return {
        "passed": decision.passed,
        "overridden": decision.overridden,
        "override": None if decision.override is None else asdict(decision.override),
        "reasons": [
            {"code": reason.code, "outcome": reason.outcome, "message": reason.message}
            for reason in decision.reasons
        ],
    }
