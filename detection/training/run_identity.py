"""What makes two starts the same run: config, data and seed. Only the same run is continued."""

from __future__ import annotations

import difflib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from detection.errors import ConfigError

FILE_NAME = "training.json"
_DIFFERENT_LINES_SHOWN = 6


@dataclass(frozen=True)
class RunIdentity:
    """Identity of a training run.

    Attributes:
        pipeline_config: The config as canonical text proto (comments and layout are not part of it).
        data_digest: Digest of the training data, such as the manifest's; '' where there is none.
        seed: Seed of the starting weights and of the data order.
    """

    pipeline_config: str
    data_digest: str
    seed: int


def record_identity(work_dir: Path, identity: RunIdentity) -> None:
    """Writes ``<work_dir>/training.json`` atomically."""
    work_dir.mkdir(parents=True, exist_ok=True)
    temporary = work_dir / f"{FILE_NAME}.tmp"
    with temporary.open("w", encoding="utf-8") as stream:
        json.dump({"schema_version": 1, **asdict(identity)}, stream, indent=1)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(work_dir / FILE_NAME)


def check_same_run(work_dir: Path, identity: RunIdentity) -> None:
    """Refuses to continue the checkpoints of another run.

    Raises:
        ConfigError: ``training.json`` is missing or broken, or names another config, data or seed.
    """
    path = work_dir / FILE_NAME
    mend = f"to start afresh remove {work_dir} or take another; to continue, give what the run began with"
    try:
        recorded = json.loads(path.read_text(encoding="utf-8"))
        before = RunIdentity(recorded["pipeline_config"], recorded["data_digest"], recorded["seed"])
    except (OSError, ValueError, KeyError, TypeError):
        raise ConfigError(
            "there are checkpoints, and nothing tells which run wrote them",
            file=path,
            expected="the file that a training run writes beside its checkpoints",
            mend=mend,
        ) from None
    if before.pipeline_config != identity.pipeline_config:
        raise ConfigError(
            "the checkpoints are of a run with another pipeline.config",
            file=path,
            field="pipeline_config",
            found="in the run (-) and now (+): " + _difference(before, identity),
            mend=mend,
        )
    for name in ("data_digest", "seed"):
        was, now = getattr(before, name), getattr(identity, name)
        if was != now:
            raise ConfigError(
                f"the checkpoints are of a run with another {name.replace('_', ' ')}",
                file=path,
                field=name,
                found=now,
                expected=was,
                mend=mend,
            )


def _difference(before: RunIdentity, now: RunIdentity) -> str:
    old, new = before.pipeline_config.splitlines(), now.pipeline_config.splitlines()
    changed = [
        f"{line[0]} {line[1:].strip()}"
        for line in difflib.unified_diff(old, new, lineterm="", n=0)
        if line[0] in "+-" and line[:3] not in ("+++", "---")
    ]
    more = len(changed) - _DIFFERENT_LINES_SHOWN
    return "; ".join(changed[:_DIFFERENT_LINES_SHOWN]) + (f"; and {more} lines more" if more > 0 else "")
