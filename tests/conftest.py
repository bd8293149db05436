"""Fixtures that every part of the tests uses."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Quiet and modest before TensorFlow is imported: the machines that run the tests are shared.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

PROJECT_ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The top level of the repository."""
    return PROJECT_ROOT


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The team's folder with golden tensors and real images; skips where it is not there."""
    folder = Path(os.environ.get("URBANDET_SHARED", PROJECT_ROOT.parent / "shared"))
    if not (folder / "golden").is_dir():
        pytest.skip(f"the recorded golden data and the real images are not here ({folder})")
    return folder
