"""What a validation found, and whether it stops the run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from components.data_validation.findings import Finding, Severity
from components.data_validation.manifest import Manifest
from detection.errors import DataError


@dataclass(frozen=True)
class ValidationResult:
    """What was found.

    Attributes:
        manifest: As it was written.
        statistics: As they were written.
        findings: Those that are listed; the ones that stop come first.
        counts: All findings, by check.
        severities: The severity of each check.
        images_per_second: How fast the images were read and checked.
    """

    manifest: Manifest
    statistics: dict[str, Any]
    findings: list[Finding]
    counts: dict[str, int]
    severities: dict[str, Severity]
    images_per_second: float

    def count(self, severity: Severity) -> int:
        """All findings of one severity."""
        return sum(count for check, count in self.counts.items() if self.severities[check] is severity)

    @property
    def passed(self) -> bool:
        """Whether nothing stops the run."""
        return self.count(Severity.STOP) == 0

    def facts(self) -> dict[str, Any]:
        """What the run's record keeps."""
        splits = self.statistics["splits"]
        return {
            "passed": self.passed,
            "data_digest": self.manifest.digest,
            "findings": self.counts,
            "stops": self.count(Severity.STOP),
            "warnings": self.count(Severity.WARN),
            "images": {name: split["images"] for name, split in splits.items()},
            "boxes": {name: split["boxes"] for name, split in splits.items()},
            "num_classes": self.statistics["num_classes"],
            "images_per_second": round(self.images_per_second, 1),
        }


def require_pass(result: ValidationResult, report: str) -> None:
    """Raises the DataError that ends the step where something stops the run; ``report`` is named in it."""
    if result.passed:
        return
    stopping = {
        check: count for check, count in result.counts.items() if result.severities[check] is Severity.STOP
    }
    told = ", ".join(
        f"{count} x {check}" for check, count in sorted(stopping.items(), key=lambda item: -item[1])
    )
    first = result.findings[0]
    place = first.shard if first.record is None else f"{first.shard}, record {first.record}"
    raise DataError(
        f"the data would spoil training ({told}). The report: {report}. The first finding, {first.check}:",
        file=place,
        field=first.field,
        found=first.found,
        expected=first.expected,
        mend=first.mend,
    )
