"""What this machine has and lacks for a run, one finding each."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from configs import CONFIGS_DIR

# What a demo run leaves behind, with room to spare.
DISK_NEEDED_BYTES = 2 * 1024**3
MEMORY_NEEDED_BYTES = 4 * 1024**3
PACKAGES = ("tensorflow", "kfp", "hotcoco", "pycocotools", "numpy", "pillow", "protobuf")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: What was looked at.
        state: ``ok``, ``warn`` (a run works, with less) or ``bad`` (a run fails).
        found: What is there.
        mend: What to do about it; '' where nothing is to be done.
    """

    name: str
    state: str
    found: str
    mend: str = ""


def check_machine(runs_dir: Path) -> Iterator[Finding]:
    """Looks at everything a run on this machine needs, one finding at a time."""
    checks: tuple[Callable[[], Finding], ...] = (
        check_python,
        check_packages,
        check_tensorflow,
        lambda: check_disk(runs_dir),
        check_memory,
        lambda: check_writable(runs_dir),
        check_demo_checkpoint,
    )
    for check in checks:
        yield check()


def check_python() -> Finding:
    """The version of Python: 3.11 to 3.13."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        return Finding("Python", "ok", version)
    return Finding("Python", "bad", version, "use Python 3.11, 3.12 or 3.13: make install PYTHON=python3.12")


def check_packages() -> Finding:
    """The packages that decide the numbers, with their versions."""
    found, missing = [], []
    for package in PACKAGES:
        try:
            found.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            missing.append(package)
    if missing:
        return Finding("packages", "bad", f"missing: {', '.join(missing)}", "make install")
    return Finding("packages", "ok", ", ".join(found))


def check_tensorflow() -> Finding:
    """Whether TensorFlow starts, and the devices it sees."""
    try:
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
    except Exception as error:  # whatever keeps TensorFlow from starting is the finding
        return Finding("TensorFlow", "bad", f"does not start: {error}", "make clean install")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if gpus:
        return Finding("devices", "ok", f"{len(gpus)} GPU, {cores} CPU cores")
    mend = "fine for the demo; training at 640x640 wants a GPU and pip install 'urbandet[gpu]'"
    return Finding("devices", "warn", f"no GPU, {cores} CPU cores", mend)


def check_disk(runs_dir: Path) -> Finding:
    """Free space where runs are kept."""
    place = next(folder for folder in (runs_dir, *runs_dir.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    found = f"{free / 1e9:.1f} GB free at {place}"
    if free >= DISK_NEEDED_BYTES:
        return Finding("disk", "ok", found)
    return Finding("disk", "bad", found, f"free {DISK_NEEDED_BYTES / 1e9:.0f} GB, or name another --runs-dir")


def check_memory() -> Finding:
    """Memory that a run can have."""
    try:
        available = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return Finding("memory", "warn", "this system does not say")
    state = "ok" if available >= MEMORY_NEEDED_BYTES else "warn"
    mend = "" if state == "ok" else "lower the batch size: --set training.parameters.batch_size=4"
    return Finding("memory", state, f"{available / 1e9:.1f} GB available", mend)


def check_writable(runs_dir: Path) -> Finding:
    """Whether runs can be written."""
    place = next(folder for folder in (runs_dir, *runs_dir.parents) if folder.exists())
    try:
        with tempfile.TemporaryFile(dir=place):
            return Finding("runs folder", "ok", f"{place} is writable")
    except OSError as error:
        return Finding("runs folder", "bad", str(error), "name another --runs-dir")


def check_demo_checkpoint() -> Finding:
    """Whether the checkpoint that the demo starts from is there."""
    found = sorted((CONFIGS_DIR / "checkpoints").glob("*.tar.gz"))
    if found:
        return Finding("demo checkpoint", "ok", ", ".join(file.name for file in found))
    return Finding("demo checkpoint", "bad", "not there", "make demo-checkpoint")


def summary(findings: list[Finding]) -> dict[str, Any]:
    """The findings as JSON, with ``ok`` false where a run would fail."""
    return {
        "ok": all(finding.state != "bad" for finding in findings),
        "findings": [vars(finding) for finding in findings],
    }
