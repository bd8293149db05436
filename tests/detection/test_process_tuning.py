from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from detection.process_tuning import KEEP_FREED_MEMORY_VARIABLE

# 10 MB blocks of 2,442 pages each, above glibc's own threshold for handing memory back.
FAULTS = """
import resource
import detection
import numpy as np
for _ in range(5):
    np.ones(10_000_000, np.uint8)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(50):
    np.ones(10_000_000 + 4096, np.uint8)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
ONEDNN = """
import os
from detection.process_tuning import train_with_onednn
print(train_with_onednn(), os.environ.get("TF_ENABLE_ONEDNN_OPTS"))
"""


def run(script: str, project_root: Path, **environment: str) -> str:
    inherited = {
        k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "TF_ENABLE", "URBANDET"))
    }
    command = [sys.executable, "-c", script]
    env = {**inherited, **environment}
    return subprocess.run(
        command, cwd=project_root, env=env, check=True, capture_output=True, text=True
    ).stdout


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's malloc can be told")
def test_freed_blocks_are_used_again(project_root: Path) -> None:
    assert int(run(FAULTS, project_root)) < 5000


def test_the_environment_has_the_last_word(project_root: Path) -> None:
    assert run(ONEDNN, project_root).split() == ["True", "1"]
    assert run(ONEDNN, project_root, TF_ENABLE_ONEDNN_OPTS="0").split() == ["True", "0"]
    said = "import detection.process_tuning as t; print(t.keep_freed_memory())"
    assert run(said, project_root, **{KEEP_FREED_MEMORY_VARIABLE: "0"}).strip() == "False"
    assert run(said, project_root, MALLOC_ARENA_MAX="4").strip() == "False"


def test_onednn_comes_too_late_after_tensorflow(project_root: Path) -> None:
    assert run("import tensorflow\n" + ONEDNN, project_root).split() == ["False", "None"]


@pytest.mark.parametrize(
    "module", ["components.coco_eval.step", "detection.inference", "components.data_validation.step"]
)
def test_nothing_that_detects_switches_onednn_on(module: str, project_root: Path) -> None:
    said = f"import os, {module}; print(os.environ.get('TF_ENABLE_ONEDNN_OPTS'))"
    assert run(said, project_root).strip() == "None"
