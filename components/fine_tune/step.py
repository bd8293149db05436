"""Fine-tuning as a step: from config, data and a warm start to a trained checkpoint and its curves."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from components.fine_tune.curves import write_curves
from components.fine_tune.training_data import TrainingData, load_training_data
from components.progress import Progress
from detection.checkpoints.archive import resolve_checkpoint
from detection.checkpoints.restoring import RestoreReport, restore_for_fine_tuning
from detection.checkpoints.saving import save_model_checkpoint
from detection.config.reading import format_pipeline_config, load_pipeline_config
from detection.config.supported import check_supported
from detection.detector import SsdDetector
from detection.errors import ConfigError, UserError
from detection.input.train_dataset import build_train_dataset
from detection.training.history import FILE_NAME as HISTORY_FILE
from detection.training.history import read_history
from detection.training.job import TrainingJob, TrainingResult
from detection.training.loop import train
from storage import StorageError, scheme_of

STEP = "fine_tune"
_NAMES_SHOWN = 5


def fine_tune(
    *,
    pipeline_config: Path,
    manifest: Path,
    work_dir: str,
    output_dir: Path,
    curves: Path | None = None,
    seed: int = 0,
    checkpoint_every_steps: int = 1000,
    checkpoint_every_seconds: float = 300.0,
) -> dict[str, Any]:
    """Trains the detector of a ``pipeline.config``, or goes on where that was interrupted.

    Args:
        pipeline_config: The complete config.
        manifest: data_validation's manifest; its train split is what is trained on.
        work_dir: Folder that outlives an interruption: working checkpoints, TensorBoard logs, history.
        output_dir: Gets ``checkpoint/ckpt-0.*`` in the zoo's layout and ``pipeline.config``.
        curves: Where the HTML page of the curves goes; ``output_dir/curves.html`` by default. It is written
            on failure too.
        seed: Seed of the starting weights, the data order and the augmentation.
        checkpoint_every_steps: Steps between working checkpoints; 0: not by steps.
        checkpoint_every_seconds: Seconds between them; 0: not by time.

    Returns:
        The run's facts: steps, losses, speed, what the warm start restored.

    Raises:
        UserError: A config, checkpoint or data that does not fit, a loss that is not finite, an interruption.
        StorageError: Something cannot be read.
    """
    folder = local_work_dir(work_dir)
    page = curves or output_dir / "curves.html"
    problem = ""
    try:
        config = load_pipeline_config(pipeline_config)
        for warning in check_supported(config):
            print(f"{STEP}: warning: {warning}", flush=True)
        data = load_training_data(manifest)
        _announce(config, data)
        job = _job(config, data, folder, seed, checkpoint_every_steps, checkpoint_every_seconds)
        result = train(job, on_progress=_progress(config), note=_note)
    except (UserError, StorageError) as error:
        problem = str(error)
        raise
    finally:
        write_curves(page, read_history(folder / HISTORY_FILE), title="Fine-tuning", problem=problem)
    save_model_checkpoint(result.detector.network, output_dir / "checkpoint")
    (output_dir / "pipeline.config").write_text(format_pipeline_config(config), encoding="utf-8")
    return _facts(config, data, result, seed)


def local_work_dir(work_dir: str) -> Path:
    """The local folder that ``work_dir`` names.

    Raises:
        ConfigError: It is on a store that training cannot save to yet.
    """
    if not work_dir:
        raise ConfigError("No work folder is given.", field="work_dir", expected="a local path or file://")
    scheme = scheme_of(work_dir)
    if scheme not in ("", "file"):
        raise ConfigError(
            f"Working checkpoints cannot be kept on {scheme}:// yet.",
            field="work_dir",
            found=work_dir,
            expected="a local path or file://",
        )
    return Path(work_dir.removeprefix("file://"))


def _job(
    config: Any, data: TrainingData, folder: Path, seed: int, every_steps: int, every_seconds: float
) -> TrainingJob:
    # The loop builds the detector in its strategy's scope, and only then opens the data that needs it.
    built: list[SsdDetector] = []

    def build_detector() -> SsdDetector:
        built.append(SsdDetector(config.model, is_training=True, seed=seed))
        return built[-1]

    def open_dataset(skip_batches: int) -> Any:
        detector = built[-1]
        return build_train_dataset(
            config,
            files=data.files,
            label_map=data.label_map,
            preprocess=detector.preprocess,
            image_shape=detector.image_shape,
            batch_size=config.train_config.batch_size,
            seed=seed,
            skip_batches=skip_batches,
        )

    return TrainingJob(
        config=config,
        build_detector=build_detector,
        open_dataset=open_dataset,
        work_dir=folder,
        seed=seed,
        data_digest=data.digest,
        warm_start=_warm_start(config, folder) if config.train_config.fine_tune_checkpoint else None,
        checkpoint_every_steps=every_steps,
        checkpoint_every_seconds=every_seconds,
    )


def _warm_start(config: Any, folder: Path) -> Any:
    train_config = config.train_config
    source = train_config.fine_tune_checkpoint
    # An empty type means what the OD API takes it for (OD_API_SPEC section 8.6).
    older = "detection" if train_config.from_detection_checkpoint else "classification"
    kind = train_config.fine_tune_checkpoint_type or older

    def restore(network: Any) -> RestoreReport:
        prefix = resolve_checkpoint(source, folder / "warm_start")
        report = restore_for_fine_tuning(network, prefix, kind)
        _note(f"warm start ({kind}) from {source}")
        for title, names in (
            ("restored", report.restored),
            ("initialised", report.initialised),
            ("left over in the file", report.left_over),
        ):
            shown = ", ".join(names[:_NAMES_SHOWN]) + (", ..." if len(names) > _NAMES_SHOWN else "")
            _note(f"  {title}: {len(names)}" + (f" ({shown})" if names else ""))
        return report

    return restore


def _announce(config: Any, data: TrainingData) -> None:
    steps, batch = config.train_config.num_steps, config.train_config.batch_size
    passes = steps * batch / max(data.records, 1)
    _note(f"{steps} steps of batch {batch}: {passes:.3g} passes over {data.records} records")


def _progress(config: Any) -> Any:
    progress = Progress(STEP, config.train_config.num_steps, "steps")

    def report(step: int, total: int, loss: float, images_per_second: float) -> None:
        progress.report(step, loss=loss, images_per_second=images_per_second)

    return report


def _note(line: str) -> None:
    print(f"{STEP}: {line}", flush=True)


def _facts(config: Any, data: TrainingData, result: TrainingResult, seed: int) -> dict[str, Any]:
    report = result.warm_start
    network = result.detector.network
    speed = result.images_per_second
    return {
        "steps": result.steps,
        "batch_size": config.train_config.batch_size,
        "resumed_from": result.resumed_from,
        "losses": {tag.removeprefix("Loss/"): value for tag, value in result.losses.items()},
        "images_per_second": None if speed is None else round(speed, 3),
        "seconds": round(result.seconds, 3),
        "seed": seed,
        "data_digest": data.digest,
        "parameters": sum(math.prod(variable.shape) for variable in network.trainable_variables),
        "fine_tune_checkpoint": config.train_config.fine_tune_checkpoint,
        "restored": None if report is None else len(report.restored),
        "initialised": None if report is None else len(report.initialised),
        "left_over": None if report is None else len(report.left_over),
    }
