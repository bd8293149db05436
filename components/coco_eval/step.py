"""coco_eval's work: detect once, check, score, and only then draw."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.coco_eval.checks import check_detections, check_groundtruth
from components.coco_eval.coco_arrays import DetectionColumns, GroundtruthColumns
from components.coco_eval.image_sources import ImageSource, NoImages, RecordImages
from components.coco_eval.json_files import read_json
from components.coco_eval.metrics import (
    DETECTIONS_FILE,
    GROUNDTRUTH_FILE,
    Evaluation,
    make_evaluation,
    write_curves,
    write_evaluation,
)
from components.coco_eval.report import write_report
from components.coco_eval.scoring import Scores, score

REPORT_FILE = "report.html"


@dataclass(frozen=True)
class EvaluationResult:
    """What an evaluation left behind.

    Attributes:
        evaluation: The numbers, as in metrics.json.
        folder: The folder with metrics.json and curves.json.
        report: The HTML report; None where none was asked for.
        not_drawn: What could not be drawn, in sentences.
    """

    evaluation: Evaluation
    folder: Path
    report: Path | None
    not_drawn: tuple[str, ...]


def evaluate(
    *,
    model: str | Path,
    manifest: str | Path,
    output_dir: Path,
    pipeline_config: Path | None = None,
    report: Path | None = None,
    scorer: str = "hotcoco",
    batch_size: int = 8,
    split: str = "eval",
    title: str = "Evaluation",
    draw: bool = True,
    progress_step: str = "coco_eval",
) -> EvaluationResult:
    """Runs a model over the eval split and scores it.

    Args:
        model: A checkpoint (prefix, folder or archive) or an exported bundle with a SavedModel.
        manifest: Path or URI of data_validation's manifest.
        output_dir: Gets detections.json, groundtruth.json, metrics.json and curves.json.
        pipeline_config: The model's config; a bundle may bring its own.
        report: Where the HTML report goes; ``output_dir/report.html`` by default.
        scorer: ``hotcoco`` or ``pycocotools``.
        batch_size: Images at once, where the model takes images of one size.
        split: Which split of the manifest.
        title: The report's heading.
        draw: False leaves the report out.
        progress_step: The step that the progress is shown for.

    Raises:
        UserError: For a model, data or config that does not fit, by name.
    """
    # TensorFlow is needed only here: two COCO files are scored without it.
    from components.coco_eval.detect import detect_split

    run = detect_split(
        model=model,
        manifest=manifest,
        pipeline_config=pipeline_config,
        output_dir=output_dir,
        batch_size=batch_size,
        split=split,
        progress_step=progress_step,
    )
    return score_files(
        groundtruth=output_dir / GROUNDTRUTH_FILE,
        detections=output_dir / DETECTIONS_FILE,
        output_dir=output_dir,
        report=report,
        scorer=scorer,
        eval_digest=run.eval_digest,
        images_per_second=run.images_per_second,
        images=RecordImages(run.files),
        notes=run.notes,
        refuse_repetitions=False,
        title=title,
        draw=draw,
    )


def score_files(
    *,
    groundtruth: Path,
    detections: Path,
    output_dir: Path,
    report: Path | None = None,
    scorer: str = "hotcoco",
    eval_digest: str | None = None,
    images_per_second: float | None = None,
    images: ImageSource | None = None,
    notes: Sequence[str] = (),
    refuse_repetitions: bool = True,
    title: str = "Evaluation",
    draw: bool = True,
) -> EvaluationResult:
    """Scores a COCO results file against COCO groundtruth; writes metrics.json, curves.json, the report.

    Args:
        groundtruth: COCO groundtruth.
        detections: COCO results.
        output_dir: Where the files go.
        report: Where the HTML report goes; ``output_dir/report.html`` by default.
        scorer: ``hotcoco`` or ``pycocotools``.
        eval_digest: Digest of the eval data; by default that of the groundtruth's bytes.
        images_per_second: The detector's speed, where it was measured.
        images: Where the report gets its images from.
        notes: Further sentences for the reader.
        refuse_repetitions: See ``check_detections``.
        title: The report's heading.
        draw: False leaves the report out.

    Raises:
        DataError: For bad input, by name; nothing is written then.
    """
    truth = check_groundtruth(read_json(groundtruth), str(groundtruth))
    checked = check_detections(read_json(detections), truth, str(detections), refuse_repetitions)
    scores = score(truth, checked.detections, scorer)
    evaluation = make_evaluation(
        scores,
        images=len(truth.images),
        eval_digest=eval_digest or file_digest(groundtruth),
        images_per_second=images_per_second,
        notes=(*notes, *checked.notes),
    )
    # The numbers are safe before anything is drawn.
    write_evaluation(output_dir, evaluation)
    write_curves(output_dir, scores)
    if not draw:
        return EvaluationResult(evaluation, output_dir, None, ())
    page = report or output_dir / REPORT_FILE
    problems = _draw(page, evaluation, scores, truth, checked.detections, images or NoImages(), title)
    return EvaluationResult(evaluation, output_dir, page, problems)


def _draw(
    page: Path,
    evaluation: Evaluation,
    scores: Scores,
    groundtruth: GroundtruthColumns,
    detections: DetectionColumns,
    images: ImageSource,
    title: str,
) -> tuple[str, ...]:
    try:
        return write_report(page, evaluation, scores, groundtruth, detections, images, title)
    except Exception as error:
        # A full disk, or a path that cannot be written: the numbers stand, so the step goes on and says so.
        return (f"the report {page}: {type(error).__name__}: {error}",)


def summary_facts(result: EvaluationResult) -> dict[str, Any]:
    """What the run record keeps of an evaluation."""
    evaluation = result.evaluation
    return {
        "metrics": evaluation.metrics,
        "per_class": {
            name: {key: entry[key] for key in ("AP", "AP50", "images", "boxes")}
            for name, entry in evaluation.per_class.items()
        },
        "images": evaluation.images,
        "images_per_second": evaluation.images_per_second,
        "eval_digest": evaluation.eval_digest,
        "label_map": list(evaluation.label_map),
        "scorer": evaluation.scorer,
        "notes": list(evaluation.notes),
        "not_drawn": list(result.not_drawn),
    }


def file_digest(path: Path) -> str:
    """``sha256:`` and the hexadecimal digest of a file's bytes."""
    with path.open("rb") as stream:
        return "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()
