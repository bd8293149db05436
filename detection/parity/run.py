"""All comparisons of one recorded folder."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from detection.config.supported import check_supported
from detection.parity.comparison import Comparison
from detection.parity.inference_checks import compare_inference
from detection.parity.recording import load_recording
from detection.parity.training_checks import compare_targets_and_losses, compare_training


def compare_folder(folder: Path) -> Iterator[Comparison]:
    """Compares the detector with every tensor recorded in a folder.

    Args:
        folder: With ``pipeline.config``, ``ckpt/`` (or ``ckpt.tar.xz``) and ``golden.npz``, whose names and
            layouts OD_API_SPEC section 15 gives.

    Yields:
        One comparison a tensor, or a kind of tensors, as soon as it is known.

    Raises:
        UserError: The folder is incomplete, or its config asks for something that is not supported.
    """
    with tempfile.TemporaryDirectory() as workdir:
        recording = load_recording(folder, Path(workdir))
        check_supported(recording.config, folder)
        yield from compare_inference(recording)
        yield from compare_targets_and_losses(recording)
        yield from compare_training(recording)
