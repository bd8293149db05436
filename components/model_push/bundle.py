"""What is pushed: the exported bundle and its metrics, arranged as a version's folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from components.model_push.registry import MANIFEST_NAME, METRICS_NAME
from detection.errors import ConfigError
from storage import StoredFile, sha256

PIPELINE_CONFIG = "pipeline.config"
SAVED_MODEL = "saved_model"
CHECKPOINT = "checkpoint"


@dataclass(frozen=True)
class Bundle:
    """The files of one version.

    Attributes:
        files: Path below the version's folder to the local file that goes there.
        stored: Size and checksum of each, in the order of the paths.
        digest: Over paths and contents of the model's files; the metrics are left out, since scoring the same
            model again changes its speed.
    """

    files: Mapping[str, Path]
    stored: tuple[StoredFile, ...]
    digest: str


def read_bundle(exported: Path, metrics: Path) -> Bundle:
    """Arranges a bundle (``saved_model/``, ``checkpoint/``, ``pipeline.config``) and its ``metrics.json``.

    Raises:
        ConfigError: where a part is missing.
    """
    for part in (Path(SAVED_MODEL, "saved_model.pb"), Path(PIPELINE_CONFIG)):
        if not (exported / part).is_file():
            mend = "push what export_model made"
            raise ConfigError(
                "the exported bundle is not whole", file=exported / part, found="nothing", mend=mend
            )
    if not _files_below(exported / CHECKPOINT):
        raise ConfigError(
            "the exported bundle has no checkpoint", file=exported / CHECKPOINT, found="nothing"
        )
    if not metrics.is_file():
        mend = "evaluate the model first"
        raise ConfigError("the model has no metrics", file=metrics, found="nothing", mend=mend)
    files = {
        **_files_below(exported / SAVED_MODEL),
        **{f"{CHECKPOINT}/{name}": path for name, path in _files_below(exported / CHECKPOINT).items()},
        PIPELINE_CONFIG: exported / PIPELINE_CONFIG,
        METRICS_NAME: metrics,
    }
    if MANIFEST_NAME in files:
        raise ConfigError(f"the exported model has a file called {MANIFEST_NAME}", file=files[MANIFEST_NAME])
    names = sorted(files)
    stored = tuple(StoredFile(name, files[name].stat().st_size, sha256(str(files[name]))) for name in names)
    return Bundle({name: files[name] for name in names}, stored, _digest(stored))


def _files_below(folder: Path) -> dict[str, Path]:
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


def _digest(stored: tuple[StoredFile, ...]) -> str:
    content = [[file.path, file.sha256] for file in stored if file.path != METRICS_NAME]
    canonical = json.dumps(content, separators=(",", ":"), ensure_ascii=True)
    return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()
