"""The report for people: one HTML page that needs nothing from outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from components.data_validation.findings import Finding, Severity
from components.data_validation.manifest import Manifest

_TEMPLATE = "report.html.j2"
# findings.json has all that were kept; a page of thousands of rows helps nobody.
_SHOWN_PER_CHECK = 8


@dataclass(frozen=True)
class FindingGroup:
    """The findings of one check.

    Attributes:
        check: Its name.
        severity: ``stop`` or ``warn``.
        count: How many there are.
        shown: The first of them.
    """

    check: str
    severity: Severity
    count: int
    shown: tuple[Finding, ...]

    @property
    def more(self) -> int:
        """How many are not shown."""
        return self.count - len(self.shown)


def group_findings(findings: Sequence[Finding], counts: dict[str, int]) -> list[FindingGroup]:
    """The findings by check, in their order."""
    by_check: dict[str, list[Finding]] = {}
    for finding in findings:
        by_check.setdefault(finding.check, []).append(finding)
    return [
        FindingGroup(check, found[0].severity, counts[check], tuple(found[:_SHOWN_PER_CHECK]))
        for check, found in by_check.items()
    ]


def render_report(
    manifest: Manifest, statistics: dict[str, Any], groups: Sequence[FindingGroup], passed: bool, policy: str
) -> str:
    """The page as HTML; everything that comes from the data is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).resolve().parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["count"] = lambda value: f"{value:,}"
    environment.filters["size"] = _size
    environment.filters["percent"] = _percent
    return environment.get_template(_TEMPLATE).render(
        manifest=manifest,
        statistics=statistics,
        stops=[group for group in groups if group.severity is Severity.STOP],
        warnings=[group for group in groups if group.severity is Severity.WARN],
        passed=passed,
        policy=policy,
    )


def _size(count: int) -> str:
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} TB"


def _percent(share: float | None) -> str:
    if share is None:
        return "n/a"
    return "< 0.1 %" if 0 < share < 0.001 else f"{share:.1%}".replace("%", " %")
