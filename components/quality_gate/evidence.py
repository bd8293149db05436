"""Gathers what the gate decides on: the candidate's numbers, the champion's, and the check of the export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from components.coco_eval.json_files import read_json
from components.coco_eval.metrics import Evaluation, read_evaluation
from components.coco_eval.scoring import METRIC_NAMES
from components.export_model.step import REPORT_FILE
from components.model_push.registry import Champion, load_metrics, read_champion
from components.quality_gate.gate import ExportCheck, LabelMap, ModelScores
from detection.errors import ConfigError, DataError


def read_candidate(evaluation: Path) -> ModelScores:
    """The numbers of coco_eval's folder.

    Raises:
        DataError: Where metrics.json is missing or broken.
    """
    return _candidate_scores(read_evaluation(evaluation))


def _candidate_scores(evaluation: Evaluation) -> ModelScores:
    return ModelScores(
        metrics=evaluation.metrics,
        eval_digest=evaluation.eval_digest,
        label_map=_label_map(evaluation.label_map),
        per_class=evaluation.per_class,
    )


def read_champion_scores(registry_uri: str, model_name: str, run_uri: str = "") -> ModelScores | None:
    """The stored numbers of the registry's current version; None where there is none.

    Where this very run made the champion (the gate is run again after the push), the version before it is
    taken, so that repeating the step repeats its decision.

    Raises:
        ConfigError: Where the registry is not readable as one, or the champion's metrics are not there.
    """
    champion = read_champion(registry_uri, model_name)
    if champion is None:
        return None
    version = _version_to_beat(champion, run_uri)
    if version is None:
        return None
    content = load_metrics(registry_uri, model_name, version)
    missing = [name for name in ("metrics", "eval_digest", "label_map") if name not in content]
    if missing:
        raise ConfigError(
            "the champion's metrics lack a field",
            file=f"{registry_uri}/{model_name}/{version}",
            field=missing[0],
            mend="push a model that coco_eval has measured",
        )
    metrics: Mapping[str, float | None] = {name: content["metrics"].get(name) for name in METRIC_NAMES}
    return ModelScores(
        metrics=metrics,
        eval_digest=str(content["eval_digest"]),
        label_map=_label_map(content["label_map"]),
        per_class=content.get("per_class", {}),
        version=str(version),
    )


def _version_to_beat(champion: Champion, run_uri: str) -> int | None:
    made_by_this_run = bool(run_uri) and champion.run_uri == run_uri
    return champion.previous if made_by_this_run else champion.version


def _label_map(items: Sequence[Mapping[str, Any]]) -> LabelMap:
    return tuple(sorted((int(item["id"]), str(item["name"])) for item in items))


def read_export_check(exported: Path, candidate: ModelScores) -> ExportCheck:
    """What export_model found; without its report, or with that of another evaluation: not compared.

    Raises:
        DataError: Where the report is there and broken.
    """
    path = exported / REPORT_FILE
    if not path.is_file():
        return ExportCheck(compared=False, equal=False)
    content = read_json(path)
    agreement = content.get("agreement") if isinstance(content, dict) else None
    if not isinstance(agreement, dict) or not isinstance(agreement.get("agrees"), bool):
        raise DataError(
            "the report of export_model is broken",
            file=path,
            field="agreement.agrees",
            expected="true or false",
            mend="run export_model again",
        )
    return ExportCheck(
        # The numbers that the export was held against must be the ones that are judged here.
        compared=agreement.get("checkpoint") == dict(candidate.metrics),
        equal=agreement["agrees"],
        largest_difference=agreement.get("largest_difference"),
        tolerance=agreement.get("tolerance"),
    )
