"""Writing a network the way the detection model zoo has it (OD_API_SPEC section 11)."""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf

from detection.errors import CheckpointError
from detection.network.network import SsdNetwork


def save_model_checkpoint(network: SsdNetwork, folder: str | Path) -> str:
    """Writes ``ckpt-0`` and the ``checkpoint`` state file into a folder, which is made if needed.

    The file holds the keys of a zoo checkpoint: ``model/...`` and ``save_counter``. TensorFlow writes the
    index last, so an interrupted save leaves no checkpoint that looks whole.

    Returns:
        The checkpoint's prefix, ``<folder>/ckpt-0``.

    Raises:
        CheckpointError: The folder cannot be written to.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        checkpoint = tf.train.Checkpoint(model=network)
        manager = tf.train.CheckpointManager(checkpoint, str(folder), max_to_keep=1)
        return manager.save(checkpoint_number=0)
    except (OSError, tf.errors.OpError) as error:
        raise CheckpointError(
            "The checkpoint cannot be written.", file=folder, found=str(error).splitlines()[0]
        ) from error
