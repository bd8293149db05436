"""The report: one self-contained HTML page that also opens without a network and in a sandboxed frame."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

import jinja2

from components.coco_eval import pr_chart
from components.coco_eval.coco_arrays import DetectionColumns, GroundtruthColumns
from components.coco_eval.image_sources import ImageSource
from components.coco_eval.json_files import AtomicTextFile
from components.coco_eval.metrics import Evaluation
from components.coco_eval.pr_chart import PrChart, make_charts
from components.coco_eval.scoring import METRIC_NAMES, Scores
from components.coco_eval.shown_images import ShownImages, show_images

TEMPLATE = Path(__file__).with_name("report_template.html")


def write_report(
    path: Path,
    evaluation: Evaluation,
    scores: Scores,
    groundtruth: GroundtruthColumns,
    detections: DetectionColumns,
    images: ImageSource,
    title: str = "Evaluation",
) -> tuple[str, ...]:
    """Writes the report, whatever fails while drawing: the numbers are always in it.

    Returns:
        What could not be drawn, in sentences; empty where all is well.
    """
    problems: list[str] = []
    shown = show_images(groundtruth, detections, scores, images)
    problems += shown.not_drawn
    try:
        charts = make_charts(scores.per_class)
    except Exception as error:
        charts = []
        problems.append(f"the precision-recall curves: {type(error).__name__}: {error}")
    try:
        page = _render(title, evaluation, charts, shown, problems)
    except Exception as error:
        problems.append(f"the whole page: {type(error).__name__}: {error}")
        page = plain_page(title, evaluation, problems)
    with AtomicTextFile(path) as stream:
        stream.write(page)
    return tuple(problems)


def _render(
    title: str,
    evaluation: Evaluation,
    charts: Sequence[PrChart],
    shown: ShownImages,
    problems: Sequence[str],
) -> str:
    # Class names and file names come from the data: everything is escaped.
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["number"] = format_number
    environment.filters["count"] = lambda value: f"{value:,}"
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(
        title=title, evaluation=evaluation, charts=charts, chart=pr_chart, shown=shown, problems=problems
    )


def format_number(value: float | None, digits: int = 3) -> str:
    """A metric for people: ``n/a`` where there is no groundtruth, never -1."""
    return "n/a" if value is None else f"{value:.{digits}f}"


def plain_page(title: str, evaluation: Evaluation, problems: Sequence[str]) -> str:
    """The numbers without any drawing, for when the page itself cannot be made."""
    rows = "".join(
        f"<tr><th>{name}</th><td>{format_number(evaluation.metrics[name])}</td></tr>" for name in METRIC_NAMES
    )
    classes = "".join(
        f"<tr><th>{html.escape(name)}</th><td>{format_number(entry['AP'])}</td>"
        f"<td>{format_number(entry['AP50'])}</td></tr>"
        for name, entry in evaluation.per_class.items()
    )
    missing = "".join(f"<li>{html.escape(problem)}</li>" for problem in problems)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<h1>{html.escape(title)}</h1><table>{rows}</table>"
        f"<table><tr><th>class</th><th>AP</th><th>AP50</th></tr>{classes}</table>"
        f"<h2>What could not be drawn</h2><ul>{missing}</ul></html>\n"
    )
