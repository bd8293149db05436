"""Latency of an exported model, one image at a time."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

LATENCY_FILE = "latency.json"


@dataclass(frozen=True)
class Latency:
    """Milliseconds a call takes, with the image already in memory.

    Attributes:
        first_ms: The first call, which builds and plans the graph.
        median_ms: The middle of the calls after the warm-up.
        p90_ms: Nine of ten calls are faster.
        calls: Number of calls measured.
        image_height: Height of the images in pixels.
        image_width: Width of the images in pixels.
    """

    first_ms: float
    median_ms: float
    p90_ms: float
    calls: int
    image_height: int
    image_width: int


def write_latency(folder: Path, latency: Latency) -> None:
    """Writes ``latency.json`` into ``folder``."""
    (folder / LATENCY_FILE).write_text(json.dumps(asdict(latency), indent=2), encoding="utf-8")


def read_latency(folder: Path) -> Latency:
    """Reads what ``write_latency`` wrote."""
    return Latency(**json.loads((folder / LATENCY_FILE).read_text(encoding="utf-8")))


def measure_latency(
    detect: Callable[[Any], Any],
    image: Any,
    *,
    calls: int = 20,
    warm_up: int = 3,
    clock: Callable[[], float] = time.perf_counter,
) -> Latency:
    """Times ``detect`` on one image again and again.

    Args:
        detect: Takes the image and returns when its detections are known.
        image: uint8 [H, W, 3].
        calls: How many calls to measure.
        warm_up: How many to make before, besides the first.
        clock: Gives seconds.

    Returns:
        The times.
    """
    times = []
    for _ in range(1 + warm_up + calls):
        started = clock()
        detect(image)
        times.append((clock() - started) * 1000.0)
    measured = sorted(times[1 + warm_up :])
    return Latency(
        first_ms=round(times[0], 3),
        median_ms=round(statistics.median(measured), 3),
        p90_ms=round(_quantile(measured, 0.9), 3),
        calls=calls,
        image_height=int(image.shape[0]),
        image_width=int(image.shape[1]),
    )


def _quantile(ascending: Sequence[float], share: float) -> float:
    return ascending[min(int(share * len(ascending)), len(ascending) - 1)]
