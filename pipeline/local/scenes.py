"""The embedded data set of a local run: drawn once, found again by its parameters."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pipeline.data.generate import generate_dataset
from pipeline.run_file import Data, Scenes


def scenes_for(data: Data, runs_dir: Path, console: Console) -> Data:
    """Draws the scenes that ``data`` asks for, below ``runs_dir/data``, and names their shards.

    Another run with the same parameters finds them there: they depend on nothing else.
    """
    scenes = data.scenes
    assert scenes is not None
    folder = runs_dir / "data" / f"scenes-{_fingerprint(scenes)}"
    columns = (TextColumn("Draw street scenes"), BarColumn(36), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=None)
        made = generate_dataset(
            folder,
            **scenes.model_dump(),
            on_progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    console.print(f"Scenes  {folder}", highlight=False, soft_wrap=True)
    return data.model_copy(
        update={
            "train": str(made.train_pattern),
            "eval": str(made.eval_pattern),
            "label_map": str(made.label_map),
            "scenes": None,
        }
    )


def _fingerprint(scenes: Scenes) -> str:
    text = json.dumps(scenes.model_dump(), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
