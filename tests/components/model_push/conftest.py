"""A bundle as export_model makes it, its metrics and its verdict."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass
class Candidate:
    """What a push is given."""

    exported: Path
    evaluation: Path
    verdict: Path
    registry: str


def write_candidate(folder: Path, registry: Path, weights: bytes) -> Candidate:
    files = {
        "exported/saved_model/saved_model.pb": b"graph",
        "exported/saved_model/variables/variables.index": b"index",
        "exported/saved_model/variables/variables.data-00000-of-00001": weights,
        "exported/saved_model/assets/label_map.pbtxt": b"item {}",
        "exported/checkpoint/ckpt-0.index": b"index",
        "exported/checkpoint/ckpt-0.data-00000-of-00001": weights,
        "exported/pipeline.config": b"model {}",
        "evaluation/metrics.json": json.dumps({"metrics": {"AP": 0.5}}).encode(),
        "verdict.json": json.dumps({"passed": True, "reasons": []}).encode(),
    }
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return Candidate(folder / "exported", folder / "evaluation", folder / "verdict.json", str(registry))


@pytest.fixture
def make_candidate(tmp_path):
    def make(weights: bytes = b"weights") -> Candidate:
        folder = tmp_path / f"candidate-{weights.decode()}"
        return write_candidate(folder, tmp_path / "registry", weights)

    return make


@pytest.fixture
def candidate(make_candidate) -> Candidate:
    return make_candidate()
