"""Makes the README's pictures from a run: ``python docs/make_images.py runs/demo-...``."""

from __future__ import annotations

import argparse
import io
import json
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from PIL import Image

from components.coco_eval.drawing import DrawnBox, draw_boxes
from components.data_validation.manifest import load_manifest
from detection.training.history import read_history
from pipeline.data.drawing import ContactSheet
from pipeline.data.inspecting import read_records

IMAGES_DIR = Path(__file__).parent / "images"
# One picture of each condition of the demo's eval split, and two more.
SHOWN = (2, 7, 12, 17, 27, 32)
LEAST_SCORE = 0.35


def main() -> None:
    """Writes demo_detections.jpg and demo_curves.png."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    run = parser.parse_args().run
    record = json.loads((run / "run.json").read_text())
    IMAGES_DIR.mkdir(exist_ok=True)
    draw_detections(record, IMAGES_DIR / "demo_detections.jpg")
    draw_curves(run, IMAGES_DIR / "demo_curves.png")


def draw_detections(record: dict[str, Any], file: Path) -> None:
    """Six held-out pictures with what the model found."""
    evaluation = Path(record["steps"]["coco_eval"]["artifacts"]["evaluation"])
    manifest = load_manifest(record["steps"]["data_validation"]["artifacts"]["manifest"])
    detections = json.loads((evaluation / "detections.json").read_text())
    names = {entry["id"]: entry["name"] for entry in record["steps"]["coco_eval"]["facts"]["label_map"]}
    records = [one for uri in manifest.split("eval").uris for one in read_records(uri)]
    sheet = ContactSheet(columns=3, side=426)
    for position in SHOWN:
        boxes = [
            DrawnBox(tuple(found["bbox"]), "right", f"{names[found['category_id']]} {found['score']:.2f}")
            for found in detections
            if found["image_id"] == position + 1 and found["score"] >= LEAST_SCORE
        ]
        sheet.add(Image.open(io.BytesIO(draw_boxes(records[position].encoded, boxes))))
    sheet.save(file)


def draw_curves(run: Path, file: Path) -> None:
    """The losses over the steps."""
    history = read_history(run / "history.jsonl")
    steps = [entry["step"] for entry in history]
    figure, axes = plt.subplots(figsize=(8, 3), dpi=110)
    for name, colour in (("total", "#1f6feb"), ("classification", "#d9480f"), ("localization", "#2f9e44")):
        values = [entry[f"Loss/{name}_loss"] for entry in history]
        axes.plot(steps, values, color=colour, linewidth=0.4, alpha=0.5)
        axes.plot(steps, _smooth(values), color=colour, linewidth=1.6, label=name)
    axes.set(xlabel="step", ylabel="loss", ylim=(0, None), xlim=(0, steps[-1]))
    axes.legend(frameon=False)
    axes.grid(color="#e6e6e6")
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(file)


def _smooth(values: list[float], keep: float = 0.9) -> list[float]:
    smooth, last = [], values[0]
    for value in values:
        last = keep * last + (1 - keep) * value
        smooth.append(last)
    return smooth


if __name__ == "__main__":
    main()
