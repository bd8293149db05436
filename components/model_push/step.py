"""Publishes a model that the gate has let through, and makes it the champion."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from components.model_push.bundle import read_bundle
from components.model_push.champion import promote_if_newer
from components.model_push.publishing import PushedVersion, publish_version
from components.model_push.registry import METRICS_NAME, Champion
from components.progress import Progress
from detection.errors import EXIT_GATE_REFUSED, ConfigError, UserError
from storage import read_bytes, write_bytes


class GateRefusedError(UserError):
    """The verdict does not let this model through."""

    exit_code = EXIT_GATE_REFUSED


@dataclass(frozen=True)
class PushResult:
    """What was done.

    Attributes:
        model: The model's name.
        pushed: The version, and whether it is new.
        champion: The champion as it now stands.
    """

    model: str
    pushed: PushedVersion
    champion: Champion

    @property
    def promoted(self) -> bool:
        """Whether this version is the champion now."""
        return self.champion.version == self.pushed.version

    def facts(self) -> dict[str, Any]:
        """What the run's record keeps."""
        return {
            "model": self.model,
            **asdict(self.pushed),
            "promoted": self.promoted,
            "champion": asdict(self.champion),
        }


def push_model(
    exported: Path,
    evaluation: Path,
    verdict: Path,
    registry_uri: str,
    model_name: str,
    run_uri: str = "",
    output: Path | None = None,
) -> PushResult:
    """Publishes ``exported`` as a version of ``model_name`` and points the champion at it.

    Doing it again changes nothing: the same bundle is one version.

    Args:
        exported: What export_model made: ``saved_model/``, ``checkpoint/``, ``pipeline.config``.
        evaluation: What coco_eval made: a folder with ``metrics.json``.
        verdict: The gate's verdict (JSON with ``passed``).
        registry_uri: Path or URI of the registry.
        model_name: The model's name in it.
        run_uri: The run that made the model.
        output: Where to write what was done, as JSON.

    Raises:
        GateRefusedError: the verdict is not a pass.
        ConfigError: a part of the bundle is missing, or the name is none.
        StorageError: the registry cannot be written; it is then as it was before.
    """
    require_passed(verdict)
    bundle = read_bundle(exported, evaluation / METRICS_NAME)
    progress = Progress("model_push", len(bundle.files), "files")
    progress.report(0)
    pushed = publish_version(bundle, registry_uri, model_name, run_uri)
    progress.report(len(bundle.files))
    champion = promote_if_newer(pushed, registry_uri, model_name, run_uri)
    result = PushResult(model_name, pushed, champion)
    if output is not None:
        write_bytes(str(output), (json.dumps(result.facts(), indent=2) + "\n").encode())
    return result


def require_passed(verdict: Path) -> None:
    """GateRefusedError where the verdict is not a pass; ConfigError where it is not a verdict."""
    mend = "run the quality gate again"
    try:
        value = json.loads(read_bytes(str(verdict)))
    except ValueError as error:
        raise ConfigError(
            "this is no verdict", file=verdict, found=error, expected="JSON", mend=mend
        ) from None
    passed = value.get("passed") if isinstance(value, dict) else None
    if not isinstance(passed, bool):
        raise ConfigError(
            "this is no verdict",
            file=verdict,
            field="passed",
            found=passed,
            expected="true or false",
            mend=mend,
        )
    if not passed:
        raise GateRefusedError(
            "the quality gate refused this model", file=verdict, mend="see the verdict's reasons"
        )
