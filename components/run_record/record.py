"""One JSON file that says what a run did, in a place that does not depend on the backend (DESIGN D8).

Each step leaves ``<run_uri>/steps/<step>.json`` (see ``components.step``); the record gathers them, so a run is
compared with another in the same way whether it ran here, on Kubeflow Pipelines or on Vertex AI.
"""

from __future__ import annotations

import json
import platform
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

from storage import exists, join, list_uris, read_bytes, write_bytes

SCHEMA_VERSION = 1
RECORD_NAME = "run.json"
STEP_ORDER = (
    "data_validation",
    "config_generation",
    "fine_tune",
    "coco_eval",
    "export_model",
    "quality_gate",
    "model_push",
)
PACKAGES = ("urbandet", "tensorflow", "kfp", "hotcoco", "pycocotools", "numpy")


def record_uri(run_uri: str) -> str:
    """Where the record of the run at ``run_uri`` stands."""
    return join(run_uri, RECORD_NAME)


def read_steps(run_uri: str) -> dict[str, dict[str, Any]]:
    """The facts of every step of the run that has begun, by its name, in the order of the DAG."""
    found = {}
    for uri in list_uris(join(run_uri, "steps", "*.json")):
        facts = json.loads(read_bytes(uri))
        found[facts["step"]] = facts
    known = [step for step in STEP_ORDER if step in found]
    return {step: found[step] for step in [*known, *sorted(set(found) - set(known))]}


def build_record(run_uri: str, parameters: dict[str, Any], pipeline_state: str) -> dict[str, Any]:
    """The record of a run.

    Args:
        run_uri: The run's folder.
        parameters: Everything the run was started with.
        pipeline_state: What the orchestrator says of the steps before: ``SUCCEEDED``, ``FAILED`` or ''.

    Returns:
        ``run.json``'s content: ``state`` is ``promoted``, ``refused``, ``failed``, ``interrupted`` or ``succeeded``.
    """
    steps = {step: facts for step, facts in read_steps(run_uri).items() if step != "run_record"}
    for facts in steps.values():
        if facts["state"] == "running":
            # The record is written when every step is over: who still says "running" died without a word.
            facts["state"] = "died"
            facts["error"] = {"message": f"{facts['step']} was killed before it could say why"}
    return {
        "schema_version": SCHEMA_VERSION,
        "run_uri": run_uri,
        "name": parameters.get("name", ""),
        "state": run_state(steps, pipeline_state),
        "parameters": parameters,
        "started": min((facts["started"] for facts in steps.values()), default=None),
        "finished": datetime.now(UTC).isoformat(),
        "seconds": round(sum(facts["seconds"] for facts in steps.values()), 3),
        "metrics": steps.get("coco_eval", {}).get("facts", {}).get("metrics", {}),
        "per_class": steps.get("coco_eval", {}).get("facts", {}).get("per_class", {}),
        "verdict": steps.get("quality_gate", {}).get("facts", {}),
        "published": steps.get("model_push", {}).get("facts", {}),
        "steps": steps,
        "versions": versions(),
    }


def run_state(steps: dict[str, dict[str, Any]], pipeline_state: str) -> str:
    """How the run ended, from how its steps ended."""
    states = {facts["state"] for facts in steps.values()}
    if "interrupted" in states or "died" in states:
        return "interrupted"
    if "failed" in states or pipeline_state == "FAILED":
        return "failed"
    if "model_push" in steps:
        return "promoted"
    return "refused" if "quality_gate" in steps else "succeeded"


def versions() -> dict[str, str]:
    """The versions of Python and of the packages that decide the numbers."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def write_record(run_uri: str, parameters: dict[str, Any], pipeline_state: str) -> dict[str, Any]:
    """Builds the record and writes it whole (never half of it)."""
    record = build_record(run_uri, parameters, pipeline_state)
    text = json.dumps(record, indent=2, sort_keys=True, default=str)
    write_bytes(record_uri(run_uri), text.encode())
    return record


def load_record(run_uri: str) -> dict[str, Any] | None:
    """The record at ``run_uri``; None while the run has none."""
    uri = record_uri(run_uri)
    if not exists(uri):
        return None
    record: dict[str, Any] = json.loads(read_bytes(uri))
    return record
