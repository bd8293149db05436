"""export_model's work: export, then prove in a fresh process that the export is the checkpoint."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from components.coco_eval.metrics import Evaluation, read_evaluation
from components.export_model.agreement import Agreement, compare_metrics
from components.export_model.latency import Latency, read_latency
from detection.errors import CheckpointError, UserError

REPORT_FILE = "export.json"
_PACKAGES = Path(__file__).resolve().parents[2]
# Both run the same graph; what may differ is the rounding of batches of another size.
DEFAULT_TOLERANCE = 0.005


@dataclass(frozen=True)
class ExportResult:
    """What an export left behind.

    Attributes:
        bundle: Folder with ``saved_model/``, ``checkpoint/``, ``pipeline.config`` and ``export.json``.
        agreement: The SavedModel's metrics beside the checkpoint's.
        latency: One image at a time, in the fresh process.
        size_bytes: Size of the SavedModel.
    """

    bundle: Path
    agreement: Agreement
    latency: Latency
    size_bytes: int

    def as_json(self) -> dict[str, Any]:
        """What ``export.json`` holds."""
        return {
            "schema_version": 1,
            "agreement": asdict(self.agreement),
            "latency": asdict(self.latency),
            "saved_model_bytes": self.size_bytes,
        }


def export_model(
    *,
    pipeline_config: Path,
    checkpoint: str | Path,
    evaluation: Path,
    manifest: str | Path,
    output_dir: Path,
    input_type: str = "image_tensor",
    tolerance: float = DEFAULT_TOLERANCE,
    timeout_seconds: float = 3600.0,
) -> ExportResult:
    """Exports a checkpoint, scores the export on the same data, and measures its latency.

    Args:
        pipeline_config: The model's config.
        checkpoint: Prefix, folder or archive.
        evaluation: coco_eval's folder with the checkpoint's ``metrics.json``.
        manifest: data_validation's manifest, path or URI; the data that the evaluation was made on.
        output_dir: Gets the bundle; new or empty.
        input_type: See ``detection.export``.
        tolerance: How far a metric of the export may be from the checkpoint's, 0..1.
        timeout_seconds: For the fresh process.

    Returns:
        What was exported and measured.

    Raises:
        UserError: The config, checkpoint or data does not fit, by name; or the export scores otherwise than
            the checkpoint. ``export.json`` says how far apart they are, also then.
    """
    expected = read_evaluation(evaluation)
    _export(pipeline_config, checkpoint, output_dir, input_type)
    found, latency = _rescore(output_dir, manifest, timeout_seconds)
    result = ExportResult(
        bundle=output_dir,
        agreement=compare_metrics(expected, found, tolerance),
        latency=latency,
        size_bytes=_size(output_dir / "saved_model"),
    )
    (output_dir / REPORT_FILE).write_text(json.dumps(result.as_json(), indent=2), encoding="utf-8")
    _require(result)
    return result


def _export(pipeline_config: Path, checkpoint: str | Path, output_dir: Path, input_type: str) -> None:
    # TensorFlow is imported late, so that a wrong call is refused at once.
    from detection.checkpoints.archive import resolve_checkpoint
    from detection.config.reading import load_pipeline_config
    from detection.config.supported import check_supported
    from detection.export import export_bundle

    config = load_pipeline_config(pipeline_config)
    check_supported(config, pipeline_config)
    with tempfile.TemporaryDirectory() as workdir:
        prefix = resolve_checkpoint(str(checkpoint), Path(workdir))
        export_bundle(config, prefix, output_dir, input_type)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _rescore(bundle: Path, manifest: str | Path, timeout_seconds: float) -> tuple[Evaluation, Latency]:
    """Scores the bundle in a process of its own: nothing of ours but the file may help it to load."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "components.export_model.rescore"]
        command += ["--bundle", str(bundle), "--manifest", str(manifest), "--output", folder]
        try:
            done = subprocess.run(
                command,
                timeout=timeout_seconds,
                capture_output=True,
                text=True,
                check=False,
                env=_environment(),
            )
        except subprocess.TimeoutExpired:
            raise _too_slow(bundle, timeout_seconds) from None
        if done.returncode != 0:
            raise _failed_to_score(bundle, done)
        return read_evaluation(Path(folder)), read_latency(Path(folder))


def _too_slow(bundle: Path, timeout_seconds: float) -> UserError:
    return CheckpointError(
        "the exported model took too long to score",
        file=bundle,
        found=f"more than {timeout_seconds:.0f} s",
        mend="give it more time, or fewer evaluation images",
    )


def _environment() -> dict[str, str]:
    """This process's, with our packages on the path."""
    environment = dict(os.environ)
    paths = [str(_PACKAGES), environment.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    return environment


def _failed_to_score(bundle: Path, done: subprocess.CompletedProcess[str]) -> UserError:
    last_lines = "\n".join(done.stderr.strip().splitlines()[-15:])
    return CheckpointError(
        "the exported model could not be loaded and scored in a fresh process",
        file=bundle,
        found=f"exit code {done.returncode}\n{last_lines}",
        expected="the exported model runs wherever TensorFlow does",
    )


def _require(result: ExportResult) -> None:
    agreement = result.agreement
    if agreement.agrees:
        return
    raise CheckpointError(
        "the exported model does not score as its checkpoint does",
        file=result.bundle / REPORT_FILE,
        field=agreement.worst_metric,
        found=agreement.exported_value(),
        expected=f"{agreement.checkpoint_value()} within {agreement.tolerance:g} (the checkpoint's)",
        mend="do not publish it; evaluate the same checkpoint, config and data that are exported",
    )
