"""The configurations that ship with the product, found by name wherever it is installed."""

from __future__ import annotations

from pathlib import Path

CONFIGS_DIR = Path(__file__).resolve().parent
