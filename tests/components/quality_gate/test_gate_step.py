"""The gate's step: policy text, evidence from files and the registry, verdict, explanation, exit codes."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from components.coco_eval.metrics import read_evaluation
from components.coco_eval.scoring import METRIC_NAMES
from components.export_model.agreement import compare_metrics
from components.export_model.step import REPORT_FILE
from components.model_push.step import push_model
from components.quality_gate.__main__ import main
from components.quality_gate.gate import Verdict
from components.quality_gate.policy import GatePolicy, Override, parse_policy
from components.quality_gate.step import run_gate, verdict_facts
from detection.errors import ConfigError, DataError


def exit_code(arguments: list[str]) -> int:
    """What the command ends with, by its return or by leaving."""
    try:
        return main(arguments)
    except SystemExit as end:
        return int(end.code or 0)


HOSTILE = "<script>alert(1)</script> | `x` [a](b)\n# not a heading"


def _evaluation(folder: Path, ap: Any, digest: str = "sha256:a", **changes: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "schema_version": 1,
        "metrics": {**dict.fromkeys(METRIC_NAMES, 0.3), "AP": ap},
        "per_class": {"vehicle": {"AP": ap, "AP50": 0.3}},
        "images": 10,
        "images_per_second": 5.0,
        "eval_digest": digest,
        "label_map": [{"id": 1, "name": "vehicle"}],
        "scorer": "hotcoco",
        **changes,
    }
    (folder / "metrics.json").write_text(json.dumps(content))
    return folder


def _exported(folder: Path, evaluation: Path, weights: str = "w", difference: float = 0.0) -> Path:
    (folder / "saved_model" / "variables").mkdir(parents=True)
    (folder / "checkpoint").mkdir()
    (folder / "saved_model" / "saved_model.pb").write_text(weights)
    (folder / "checkpoint" / "ckpt-0.index").write_text(weights)
    (folder / "pipeline.config").write_text("model {}")
    measured = read_evaluation(evaluation)
    exported = {
        name: None if value is None else value - difference for name, value in measured.metrics.items()
    }
    agreement = compare_metrics(measured, replace(measured, metrics=exported), tolerance=0.001)
    (folder / REPORT_FILE).write_text(json.dumps({"schema_version": 1, "agreement": asdict(agreement)}))
    return folder


class Bench:
    """A registry and a counter of runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.registry = str(folder / "registry")
        self.runs = 0

    def run(
        self, ap: Any, policy: str = "", run_uri: str = "", digest: str = "sha256:a", **changes: Any
    ) -> Verdict:
        self.runs += 1
        run = self.folder / f"run {self.runs}"
        _evaluation(run / "evaluation", ap, digest, **changes)
        _exported(run / "exported", run / "evaluation", weights=f"weights {self.runs}")
        return self.decide(run, policy, run_uri)

    def decide(self, run: Path, policy: str = "", run_uri: str = "") -> Verdict:
        return run_gate(
            evaluation=run / "evaluation",
            exported=run / "exported",
            registry_uri=self.registry,
            model_name="street",
            policy=policy,
            verdict=run / "verdict.json",
            explanation=run / "explanation.md",
            run_uri=run_uri,
        )

    @property
    def last(self) -> Path:
        return self.folder / f"run {self.runs}"

    def push(self, run_uri: str = "") -> None:
        run = self.last
        push_model(
            run / "exported", run / "evaluation", run / "verdict.json", self.registry, "street", run_uri
        )


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_line_of_models(bench: Bench) -> None:
    assert bench.run(0.40).passed
    bench.push()
    worse = bench.run(0.39)
    assert not worse.passed and worse.refusals[0].code == "champion_worse"
    assert "0.4000 of the champion 1" in worse.refusals[0].message
    assert bench.run(0.40).refusals[0].code == "champion_equal"
    assert bench.run(0.41).passed
    bench.push()
    assert "champion 2" in bench.run(0.405).refusals[0].message
    assert bench.run(0.9, digest="sha256:b").refusals[0].code == "other_eval_digest"
    assert bench.run(0.9, '{"min_AP": 0.5}', digest="sha256:b").passed
    other = bench.run(0.9, label_map=[{"id": 1, "name": "car"}])
    assert "new 1 car; gone 1 vehicle" in other.refusals[0].message


def test_the_gate_repeated_after_its_own_push_decides_the_same(bench: Bench) -> None:
    assert bench.run(0.40, run_uri="runs/1").passed
    bench.push("runs/1")
    assert bench.decide(bench.last, run_uri="runs/1").passed
    assert bench.decide(bench.last, run_uri="runs/2").refusals[0].code == "champion_equal"
    assert bench.run(0.45, run_uri="runs/2").passed
    bench.push("runs/2")
    again = bench.decide(bench.last, run_uri="runs/2")
    assert again.passed and any("0.4000 of the champion 1" in reason.message for reason in again.reasons)


def test_verdict_and_explanation_hold_the_same_facts(bench: Bench) -> None:
    bench.run(0.40)
    bench.push()
    verdict = bench.run(0.30, '{"min_AP50": 0.5, "min_class_AP": 0.35}')
    stored = json.loads((bench.last / "verdict.json").read_text())
    assert stored["passed"] is False and stored["overridden"] is False and stored["override"] is None
    assert [reason["code"] for reason in stored["reasons"]] == [reason.code for reason in verdict.reasons]
    assert stored["policy"]["floors"] == {"AP50": 0.5}
    assert stored["champion"]["version"] == "1" and stored["candidate"]["metrics"]["AP"] == 0.30
    assert stored["candidate"]["eval_digest"] == "sha256:a"
    text = (bench.last / "explanation.md").read_text()
    assert "# Quality gate: refused" in text and "Refused by 3 reasons" in text
    assert "AP50 over all classes is 0.3000 and is below the floor of 0.5000." in text
    assert "| **AP** | 0.3000 | 0.4000 |" in text and "| AP50 | 0.3000 | 0.3000 | 0.5000 |" in text
    facts = verdict_facts(verdict)
    assert facts["passed"] is False and len(facts["reasons"]) == len(verdict.reasons)


def test_nan_makes_valid_json(bench: Bench) -> None:
    verdict = bench.run(float("nan"))
    assert not verdict.passed

    def refuse_constant(name: str) -> None:
        raise AssertionError(f"{name} in verdict.json")

    text = (bench.last / "verdict.json").read_text()
    stored = json.loads(text, parse_constant=refuse_constant)
    assert stored["candidate"]["metrics"]["AP"] is None
    assert "AP is nan" in stored["reasons"][1]["message"]


def test_an_override_is_recorded_with_its_author(bench: Bench) -> None:
    policy = json.dumps({"min_AP": 0.9, "override": {"author": "Ada", "reason": HOSTILE}})
    verdict = bench.run(0.4, policy)
    assert verdict.passed and verdict.overridden
    stored = json.loads((bench.last / "verdict.json").read_text())
    assert stored["override"] == {"author": "Ada", "reason": HOSTILE.strip()} and stored["overridden"] is True
    text = (bench.last / "explanation.md").read_text()
    assert "let through by an override" in text and "by Ada" in text
    assert "<script" not in text and "\n# not" not in text
    bench.push()  # model_push takes it as a pass


def test_an_override_does_not_lift_a_broken_export(bench: Bench) -> None:
    bench.run(0.4)
    shutil.rmtree(bench.last / "exported")
    _exported(bench.last / "exported", bench.last / "evaluation", difference=0.25)
    verdict = bench.decide(bench.last, '{"override": {"author": "Ada", "reason": "please"}}')
    assert not verdict.passed and "by 0.25, 0.001 is allowed" in verdict.refusals[0].message
    assert "It does not lift: export_differs" in (bench.last / "explanation.md").read_text()


def test_hostile_class_names_stay_text(bench: Bench) -> None:
    bench.run(0.4, '{"min_class_AP": 0.9}', per_class={HOSTILE: {"AP": 0.1}})
    text = (bench.last / "explanation.md").read_text()
    assert "<script" not in text and "\n# not" not in text and "&lt;script&gt;" in text
    rows = [line for line in text.splitlines() if "script" in line]
    assert len(rows) == 1 and rows[0].replace("\\|", "").count("|") == 3


def test_an_export_that_was_never_scored_is_refused(bench: Bench) -> None:
    bench.run(0.4)
    report = bench.last / "exported" / REPORT_FILE
    kept = report.read_text()
    report.unlink()
    assert bench.decide(bench.last).refusals[0].code == "export_not_checked"
    for broken in ("[]", '{"agreement": {"agrees": "yes"}}'):
        report.write_text(broken)
        with pytest.raises(DataError, match="report of export_model is broken"):
            bench.decide(bench.last)
    report.write_text(kept)
    assert bench.decide(bench.last).passed
    # The same export beside another evaluation was never held against it.
    _evaluation(bench.last / "evaluation", 0.5)
    assert bench.decide(bench.last).refusals[0].code == "export_not_checked"


@pytest.mark.parametrize("field", ["metrics", "eval_digest", "label_map"])
def test_an_evaluation_without_a_field_is_refused(bench: Bench, field: str) -> None:
    bench.run(0.4)
    path = bench.last / "evaluation" / "metrics.json"
    content = json.loads(path.read_text())
    del content[field]
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match=f"(?s)not a metrics.json.*{field}"):
        bench.decide(bench.last)


def test_default_policy() -> None:
    assert parse_policy("") == parse_policy(" {} ") == (GatePolicy(), None)


def test_a_whole_policy() -> None:
    text = json.dumps(
        {
            "min_AP": 0.2,
            "min_AP_small": 0,
            "min_class_AP50": 0.1,
            "metric": "AP50",
            "min_gain": 0.01,
            "when_not_comparable": "refuse",
            "override": {"author": " Ada ", "reason": "why"},
        }
    )
    policy, override = parse_policy(text)
    assert policy == GatePolicy({"AP": 0.2, "AP_small": 0.0}, {"AP50": 0.1}, "AP50", 0.01, "refuse")
    assert override == Override("Ada", "why")
    assert policy.judged_metrics == ("AP50", "AP", "AP_small")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "not JSON"),
        ("[]", "not an object"),
        ('{"min_mAP": 0.5}', r"unknown key.*policy\.min_mAP"),
        ('{"min_class_gain": 0.5}', "unknown key"),
        ('{"max_AP": 0.5}', "unknown key"),
        ('{"min_AP": "0.5"}', "cannot be"),
        ('{"min_AP": 50}', "0 to 1"),
        ('{"min_AP": -0.1}', "0 to 1"),
        ('{"min_AP": NaN}', "0 to 1"),
        ('{"min_AP": true}', "0 to 1"),
        ('{"min_gain": -1}', "0 to 1"),
        ('{"metric": "mAP"}', r"policy\.metric"),
        ('{"when_not_comparable": "pass"}', "floors, refuse"),
        ('{"override": "Ada"}', "who and why"),
        ('{"override": 3}', "who and why"),
        ('{"override": {"author": "Ada"}}', "who and why"),
        ('{"override": {"author": " ", "reason": "x"}}', "who and why"),
        ('{"override": {"author": "a", "reason": "x", "until": "y"}}', "who and why"),
    ],
)
def test_bad_policies_are_refused(text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=f"(?s){told}"):
        parse_policy(text)


def test_the_command_and_its_exit_codes(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.run(0.4)
    given = [
        *("--evaluation", str(bench.last / "evaluation"), "--exported", str(bench.last / "exported")),
        *("--registry", bench.registry, "--model-name", "street", "--output", str(bench.folder / "out")),
    ]
    assert main(given) == 0
    assert "passed" in capsys.readouterr().out
    assert main([*given, "--policy", '{"min_AP": 0.5}']) == 4
    assert "is below the floor" in capsys.readouterr().out
    assert json.loads((bench.folder / "out" / "verdict.json").read_text())["passed"] is False
    assert exit_code([*given, "--policy", "nonsense"]) == 2
    assert "not JSON" in capsys.readouterr().err
    (bench.last / "evaluation" / "metrics.json").unlink()
    assert exit_code(given) == 3
