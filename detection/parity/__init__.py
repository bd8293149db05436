"""Compares the detector with tensors recorded from the OD API: ``python -m detection.parity FOLDER``."""

from __future__ import annotations

from detection.parity.comparison import Comparison
from detection.parity.run import compare_folder

__all__ = ["Comparison", "compare_folder"]
