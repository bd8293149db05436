"""The folder that the OD API's exporter writes: SavedModel, checkpoint and config side by side."""

from __future__ import annotations

from pathlib import Path

from detection.checkpoints.restoring import restore_model
from detection.checkpoints.saving import save_model_checkpoint
from detection.config import pipeline_pb2 as pb
from detection.config.reading import format_pipeline_config
from detection.detector import SsdDetector
from detection.errors import ConfigError
from detection.export.saved_model import export_saved_model

SAVED_MODEL_FOLDER = "saved_model"
CHECKPOINT_FOLDER = "checkpoint"
CONFIG_FILE = "pipeline.config"
BUNDLE_PARTS = (SAVED_MODEL_FOLDER, CHECKPOINT_FOLDER, CONFIG_FILE)


def export_bundle(
    config: pb.TrainEvalPipelineConfig,
    checkpoint: str,
    folder: str | Path,
    input_type: str = "image_tensor",
) -> SsdDetector:
    """Exports a checkpoint of a config's model.

    Args:
        config: The model's config; it goes into the bundle too.
        checkpoint: Prefix of the checkpoint, as ``detection.checkpoints.archive.resolve_checkpoint`` gives
            it.
        folder: Gets ``saved_model/``, ``checkpoint/`` and ``pipeline.config``; new or empty.
        input_type: See ``export_saved_model``.

    Returns:
        The detector that was exported.

    Raises:
        ConfigError: The config asks for something that is not supported, or the folder is in use.
        CheckpointError: The checkpoint does not hold every variable of the model.
    """
    target = Path(folder)
    if target.exists() and any(target.iterdir()):
        raise ConfigError("the folder to export to is not empty", file=target, mend="give a new folder")
    detector = SsdDetector(config.model, is_training=False)
    restore_model(detector.network, checkpoint)
    target.mkdir(parents=True, exist_ok=True)
    export_saved_model(detector, target / SAVED_MODEL_FOLDER, input_type)
    save_model_checkpoint(detector.network, target / CHECKPOINT_FOLDER)
    # Last: a bundle with a config is a whole one.
    (target / CONFIG_FILE).write_text(format_pipeline_config(config), encoding="utf-8")
    return detector
