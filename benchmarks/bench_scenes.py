"""How many street scenes one core draws in a minute: ``python benchmarks/bench_scenes.py [--size 640]``.

CPU time is what counts here: it does not change with what else the machine does. The goal is at least 200
pictures of 640x640 a minute, drawing, encoding and writing included.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from pipeline.data.generate import generate_dataset


def measure(look: str, size: int, drives: int, frames: int) -> tuple[float, float]:
    """Pictures a minute by CPU time and by the clock, in this one process."""
    with tempfile.TemporaryDirectory() as folder:
        cpu, clock = time.process_time(), time.perf_counter()
        generate_dataset(
            Path(folder) / "scenes",
            seed=1,
            train_sequences=drives,
            eval_sequences=1,
            frames_per_sequence=frames,
            width=size,
            height=size,
            look=look,
            workers=1,
        )
        pictures = (drives + 1) * frames
        minutes = (time.process_time() - cpu) / 60, (time.perf_counter() - clock) / 60
    return pictures / minutes[0], pictures / minutes[1]


def main() -> None:
    """Prints one line per look."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=640)
    parser.add_argument("--drives", type=int, default=9)
    parser.add_argument("--frames", type=int, default=8)
    arguments = parser.parse_args()
    for look in ("street", "other"):
        by_cpu, by_clock = measure(look, arguments.size, arguments.drives, arguments.frames)
        print(
            f"{look:7} {arguments.size}x{arguments.size}: {by_cpu:5.0f} pictures/min of one core "
            f"({by_clock:.0f} by the clock)"
        )


if __name__ == "__main__":
    main()
