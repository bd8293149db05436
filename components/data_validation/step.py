"""Validates a dataset: reads it once, writes the manifest, the statistics, the findings and the report."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.data_validation.checks import label_above_num_classes
from components.data_validation.checks.context import CheckContext
from components.data_validation.checks.dataset import SplitView
from components.data_validation.checks.registry import active_dataset_checks
from components.data_validation.dataset_scan import scan_shards
from components.data_validation.findings import Fault, Finding, FindingCollector, Severity
from components.data_validation.manifest import write_manifest
from components.data_validation.manifest_building import manifest_of
from components.data_validation.policy import Checks, Policy, load_policy
from components.data_validation.report import group_findings, render_report
from components.data_validation.result import ValidationResult
from components.data_validation.shard_facts import ShardFacts
from components.data_validation.shard_scan import ScanSettings
from components.data_validation.statistics import dataset_statistics
from detection.config.label_map import LabelMap, parse_label_map
from detection.errors import ConfigError
from storage import list_uris, read_bytes, scheme_of, write_bytes


@dataclass(frozen=True)
class ValidationRequest:
    """What to validate.

    Attributes:
        train: Path or URI of the training TFRecords, with globs.
        evaluation: The same for the evaluation.
        label_map: Path or URI of the label map.
        num_classes: The model's classes; 0 takes the largest id of the label map.
        policy: Name in ``configs/validation``, path or URI; '' for the default.
        workers: Processes that read; 0 for one a core.
    """

    train: str
    evaluation: str
    label_map: str
    num_classes: int = 0
    policy: str = ""
    workers: int = 0


@dataclass(frozen=True)
class ValidationOutputs:
    """Where the four files go."""

    manifest: Path
    statistics: Path
    findings: Path
    report: Path

    @classmethod
    def in_folder(cls, folder: Path) -> ValidationOutputs:
        """The four files by their names in one folder."""
        return cls(
            folder / "manifest.json",
            folder / "statistics.json",
            folder / "findings.json",
            folder / "report.html",
        )


def validate_data(request: ValidationRequest, outputs: ValidationOutputs) -> ValidationResult:
    """Reads every record once, checks everything that the policy asks for, and writes the four files.

    The files are written whether the data passes or not; ``result.require_pass`` is what stops the run.

    Raises:
        ConfigError: a wrong policy or number of classes.
        StorageError: a place that cannot be read or written.
    """
    if request.num_classes < 0:
        raise ConfigError(
            "num_classes is negative", field="num_classes", found=request.num_classes, expected="0 or more"
        )
    policy = load_policy(request.policy)
    collector = FindingCollector(policy.severities, policy.findings_per_check)
    label_map = _read_label_map(request.label_map, collector)
    context = _context(policy, label_map, request.num_classes)
    started = time.monotonic()
    settings = ScanSettings(context, policy.severities, policy.findings_per_check, label_map is not None)
    splits = _scan(request, settings)
    seconds = time.monotonic() - started
    _check_the_whole(splits, context, policy, label_map, collector)
    images = sum(shard.images for shard in _shards_once(splits))
    findings = sorted(collector.findings, key=_finding_order)
    manifest = manifest_of(_absolute(request.label_map), label_map, splits)
    statistics = dataset_statistics(splits, context)
    speed = images / max(seconds, 1e-6)
    result = ValidationResult(
        manifest, statistics, findings, collector.counts, policy.severities, images_per_second=speed
    )
    _write(result, outputs, request.policy or "default")
    return result


def _read_label_map(uri: str, collector: FindingCollector) -> LabelMap | None:
    data = read_bytes(uri)
    try:
        return parse_label_map(data, uri)
    except ConfigError as error:
        found = error.details.get("found", error.problem)
        expected = error.details.get("expected", "a label map")
        mend = error.details.get("mend", "mend the label map")
        collector.add("label_map", Fault("label map", found, expected, mend), shard=uri)
        return None


def _context(policy: Policy, label_map: LabelMap | None, num_classes: int) -> CheckContext:
    texts: dict[int, tuple[str, ...]] = {}
    if label_map is not None:
        for item in label_map.items:
            if item.id > 0:
                names = (item.shown_name, item.name, item.display_name)
                texts[item.id] = tuple(dict.fromkeys(name for name in names if name))
    return CheckContext(policy.checks, texts, num_classes or max(texts, default=0))


def _scan(request: ValidationRequest, settings: ScanSettings) -> tuple[SplitView, ...]:
    patterns = {"train": _absolute(request.train), "eval": _absolute(request.evaluation)}
    found = {name: list_uris(pattern) for name, pattern in patterns.items()}
    # A file that is in both splits is read once all the same.
    facts = scan_shards(sorted({uri for uris in found.values() for uri in uris}), settings, request.workers)
    return tuple(
        SplitView(name, patterns[name], tuple(facts[uri] for uri in uris)) for name, uris in found.items()
    )


def _absolute(pattern: str) -> str:
    # Later steps run in other folders.
    return pattern if not pattern or scheme_of(pattern) else str(Path(pattern).absolute())


def _shards_once(splits: Sequence[SplitView]) -> list[ShardFacts]:
    return list({shard.uri: shard for split in splits for shard in split.shards}.values())


def _check_the_whole(
    splits: tuple[SplitView, ...],
    context: CheckContext,
    policy: Policy,
    label_map: LabelMap | None,
    collector: FindingCollector,
) -> None:
    for shard in _shards_once(splits):
        collector.merge(shard.findings, shard.finding_counts)
    if label_map is not None:
        for placed in label_above_num_classes.check_label_map(context):
            collector.add("label_above_num_classes", placed.fault)
    for name, check in active_dataset_checks(policy.severities):
        for placed in check(splits, context):
            collector.add(name, placed.fault, placed.shard, placed.record)


_CHECK_ORDER = {name: position for position, name in enumerate(Checks.model_fields)}


def _finding_order(finding: Finding) -> tuple[bool, int, str, int]:
    record = -1 if finding.record is None else finding.record
    return (finding.severity is not Severity.STOP, _CHECK_ORDER[finding.check], finding.shard or "", record)


def _write(result: ValidationResult, outputs: ValidationOutputs, policy: str) -> None:
    groups = group_findings(result.findings, result.counts)
    report = render_report(result.manifest, result.statistics, groups, result.passed, policy)
    write_bytes(str(outputs.report), report.encode())
    write_bytes(str(outputs.findings), _json([finding.to_json() for finding in result.findings]))
    statistics = {
        **result.statistics,
        "finding_counts": result.counts,
        "passed": result.passed,
        "policy": policy,
    }
    write_bytes(str(outputs.statistics), _json(statistics))
    write_manifest(result.manifest, outputs.manifest)


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=2) + "\n").encode()
