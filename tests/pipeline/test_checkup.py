from __future__ import annotations

import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline import checkup


def test_this_machine_can_run_the_demo(tmp_path: Path) -> None:
    findings = list(checkup.check_machine(tmp_path / "runs"))
    assert checkup.summary(findings)["ok"], findings


def test_a_full_disk_is_found_and_the_way_out_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=10))
    finding = checkup.check_disk(tmp_path / "not" / "yet")
    assert finding.state == "bad"
    assert "--runs-dir" in finding.mend


@pytest.mark.parametrize(
    ("version", "state"), [((3, 10, 9), "bad"), ((3, 11, 0), "ok"), ((3, 13, 9), "ok"), ((3, 14, 0), "bad")]
)
def test_python_versions(version: tuple[int, ...], state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", version)
    assert checkup.check_python().state == state


def test_one_bad_finding_spoils_the_whole() -> None:
    good, bad = checkup.Finding("a", "ok", ""), checkup.Finding("b", "bad", "", "mend")
    assert checkup.summary([good])["ok"]
    assert not checkup.summary([good, bad])["ok"]
