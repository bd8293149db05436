"""What the checks report."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """What a finding of a check does to the run."""

    STOP = "stop"
    WARN = "warn"
    OFF = "off"


@dataclass(frozen=True)
class Fault:
    """What a check found in one record or in the whole, as the check itself can say it.

    Attributes:
        field: The feature, field or split, such as ``image/object/bbox/ymin[3]``.
        found: What stands there.
        expected: What should stand there.
        mend: What to do about it.
    """

    field: str
    found: str
    expected: str
    mend: str


@dataclass(frozen=True)
class PlacedFault:
    """A fault of a whole, with the place where it has one."""

    fault: Fault
    shard: str | None = None
    record: int | None = None


@dataclass(frozen=True)
class Finding:
    """A fault with its check, its severity and its place; one entry of ``findings.json``.

    Attributes:
        check: The check's name in the policy.
        severity: ``stop`` or ``warn``.
        shard: URI of the file; None for a finding about a whole.
        record: Index from 0 within the shard; None for a finding about a whole.
        field: See ``Fault``, as the three that follow.
        found: What stands there.
        expected: What should stand there.
        mend: What to do about it.
    """

    check: str
    severity: Severity
    shard: str | None
    record: int | None
    field: str
    found: str
    expected: str
    mend: str

    def to_json(self) -> dict[str, Any]:
        """The entry in ``findings.json``."""
        return asdict(self)


class FindingCollector:
    """Keeps the first findings of each check and counts all of them, so a rotten dataset stays small to tell.

    Args:
        severities: The severity of each check by name.
        keep: How many findings of one check are kept.
    """

    def __init__(self, severities: dict[str, Severity], keep: int) -> None:
        self._severities = severities
        self._keep = keep
        self.findings: list[Finding] = []
        self.counts: dict[str, int] = {}

    def add(self, check: str, fault: Fault, shard: str | None = None, record: int | None = None) -> None:
        """Adds one fault under the severity of its check; nothing where the check is off."""
        severity = self._severities[check]
        if severity is Severity.OFF:
            return
        self._keep_one(
            Finding(check, severity, shard, record, fault.field, fault.found, fault.expected, fault.mend)
        )

    def merge(self, findings: list[Finding], counts: dict[str, int]) -> None:
        """Adds what another collector has kept and counted."""
        kept: dict[str, int] = {}
        for finding in findings:
            kept[finding.check] = kept.get(finding.check, 0) + 1
            self._keep_one(finding)
        for check, count in counts.items():
            self.counts[check] = self.counts.get(check, 0) + count - kept.get(check, 0)

    def _keep_one(self, finding: Finding) -> None:
        count = self.counts.get(finding.check, 0)
        self.counts[finding.check] = count + 1
        if count < self._keep:
            self.findings.append(finding)
