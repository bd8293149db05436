"""A folder with tensors recorded from the OD API (OD_API_SPEC section 15)."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from detection.checkpoints.archive import resolve_checkpoint
from detection.checkpoints.object_graph import CheckpointFile
from detection.checkpoints.restoring import object_paths
from detection.config import pipeline_pb2 as pb
from detection.config.reading import load_pipeline_config
from detection.detector import SsdDetector
from detection.errors import DataError
from detection.groundtruth import Groundtruth

TENSORS_FILE = "golden.npz"
CONFIG_FILE = "pipeline.config"
CHECKPOINT_FOLDER = "ckpt"
_ARCHIVES = (".tar.xz", ".tar.gz")
_VALUE_SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"


@dataclass(frozen=True)
class Recording:
    """Config, checkpoint and tensors of one folder.

    Attributes:
        folder: Where they stand.
        config: The config.
        checkpoint: Prefix of the checkpoint.
        tensors: The recorded tensors by name.
    """

    folder: Path
    config: pb.TrainEvalPipelineConfig
    checkpoint: str
    tensors: dict[str, NDArray]

    @property
    def groundtruth(self) -> Groundtruth:
        """The recorded groundtruth as a batch."""
        return Groundtruth(
            *(tf.constant(self.tensors[f"groundtruth_{name}"]) for name in ("boxes", "classes", "weights"))
        )

    def with_prefix(self, prefix: str) -> dict[str, NDArray]:
        """The tensors whose name begins with ``prefix``, by the rest of their name."""
        return {
            name.removeprefix(prefix): value
            for name, value in self.tensors.items()
            if name.startswith(prefix)
        }

    def variables_by_key(self, detector: SsdDetector) -> dict[str, tf.Variable]:
        """The detector's variables by their key in the checkpoint, without its suffix."""
        stored = CheckpointFile(self.checkpoint)
        found = {}
        for path, variable in object_paths(detector.network).items():
            place = stored.find(("model", *path))
            if place is not None:
                found[place.key.removesuffix(_VALUE_SUFFIX)] = variable
        return found


def load_recording(folder: Path, workdir: Path) -> Recording:
    """Reads a folder with ``pipeline.config``, ``golden.npz`` and ``ckpt/`` (or ``ckpt.tar.xz``).

    Args:
        folder: The folder.
        workdir: Where an archive is unpacked.

    Raises:
        UserError: Something is missing or cannot be read.
    """
    path = folder / TENSORS_FILE
    try:
        with np.load(path) as file:
            tensors = {name: file[name] for name in file.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise DataError("the recorded tensors cannot be read", file=path, found=error) from error
    return Recording(
        folder=folder,
        config=load_pipeline_config(folder / CONFIG_FILE),
        checkpoint=resolve_checkpoint(str(_checkpoint_source(folder)), workdir),
        tensors=tensors,
    )


def _checkpoint_source(folder: Path) -> Path:
    for suffix in _ARCHIVES:
        archive = folder / f"{CHECKPOINT_FOLDER}{suffix}"
        if archive.is_file() and not (folder / CHECKPOINT_FOLDER).is_dir():
            return archive
    return folder / CHECKPOINT_FOLDER
