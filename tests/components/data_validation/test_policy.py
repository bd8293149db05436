from __future__ import annotations

import pytest

from components.data_validation.checks.registry import DATASET_CHECKS, READING_CHECKS, RECORD_CHECKS
from components.data_validation.findings import Severity
from components.data_validation.policy import POLICIES_DIR, Checks, load_policy
from detection.errors import ConfigError


def test_the_default_policy_names_every_check_and_the_registry_has_each():
    assert set(Checks.model_fields) == set(RECORD_CHECKS) | set(DATASET_CHECKS) | set(READING_CHECKS)
    assert load_policy() == load_policy("default")


def test_overfit_changes_one_severity():
    default, overfit = load_policy().severities, load_policy("overfit").severities
    changed = {name for name in default if default[name] is not overfit[name]}
    assert changed == {"duplicate_across_splits"}
    assert overfit["duplicate_across_splits"] is Severity.WARN


@pytest.mark.parametrize("path", sorted(POLICIES_DIR.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_policies_are_valid(path):
    assert load_policy(str(path)) == load_policy(path.stem)


def test_short_form_keeps_limits(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("checks: {box_inside: warn, box_count: off, framing: {max_record_bytes: 10}}")
    checks = load_policy(str(path)).checks
    assert (checks.box_inside.severity, checks.box_inside.tolerance) == (Severity.WARN, 0.001)
    assert checks.box_count.severity is Severity.OFF
    assert (checks.framing.severity, checks.framing.max_record_bytes) == (Severity.STOP, 10)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("checks: {box_insid: warn}", "checks.box_insid"),
        ("checks: {box_inside: {tolerence: 1}}", "checks.box_inside.tolerence"),
        ("check: {}", "check"),
        ("checks: {box_inside: maybe}", "checks.box_inside.severity"),
        ("checks: {box_inside: {tolerance: -1}}", "checks.box_inside.tolerance"),
        ("checks: {box_count: {max_boxes: 0}}", "checks.box_count.max_boxes"),
        ("checks: {box_count: true}", "checks.box_count"),
        ("findings_per_check: 0", "findings_per_check"),
    ],
)
def test_unknown_keys_and_wrong_values_are_refused(tmp_path, text, field):
    path = tmp_path / "p.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_policy(str(path))
    assert caught.value.details["field"].startswith(field) and caught.value.details["file"] == str(path)


def test_a_near_name_is_suggested(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("checks: {box_insid: warn}")
    with pytest.raises(ConfigError, match="did you mean box_inside"):
        load_policy(str(path))


@pytest.mark.parametrize("text", ["- a", "{", "\x00"])
def test_no_policy_at_all(tmp_path, text):
    path = tmp_path / "p.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError):
        load_policy(str(path))


def test_unknown_name_lists_the_known():
    with pytest.raises(ConfigError, match="default, overfit"):
        load_policy("strict")
