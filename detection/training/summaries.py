"""TensorBoard summaries under the OD API's tags (OD_API_SPEC section 8.2)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tensorflow as tf

LEARNING_RATE_TAG = "learning_rate"
SPEED_TAG = "steps_per_sec"
IMAGES_TAG = "train_input_images"
MAX_IMAGES = 3


class TrainSummaries:
    """Writes the event file of ``<folder>`` (the OD API's ``train`` folder).

    Args:
        folder: Folder of the event files; made if missing.
        first_step: Step that the run starts or continues from. TensorBoard drops what an earlier start wrote
            after it, so a resumed run draws one line, not two.
    """

    def __init__(self, folder: Path, first_step: int) -> None:
        self._writer = tf.summary.create_file_writer(str(folder))
        self._mark_start(first_step)

    def _mark_start(self, step: int) -> None:
        # Also in the first start: TensorBoard takes a START for a restart only if it has seen one before.
        start = tf.compat.v1.SessionLog(status=tf.compat.v1.SessionLog.START)
        event = tf.compat.v1.Event(step=step + 1, session_log=start)
        with self._writer.as_default(step=step):
            tf.raw_ops.ImportEvent(writer=self._writer._resource, event=event.SerializeToString())

    def scalars(self, step: int, losses: dict[str, float], next_rate: float, steps_per_second: float) -> None:
        """Writes the losses of ``step``, the rate of the update after it, and the speed."""
        with self._writer.as_default(step=step):
            for tag, value in losses.items():
                tf.summary.scalar(tag, value)
            tf.summary.scalar(LEARNING_RATE_TAG, next_rate)
            tf.summary.scalar(SPEED_TAG, steps_per_second)

    def images(self, step: int, preprocessed: Any) -> None:
        """Writes up to 3 network inputs.

        Args:
            step: Global step.
            preprocessed: ``[B, H, W, 3]`` float32, normalised as the extractor wants it. Each image is
                stretched to 0..1, so a person recognises it (the OD API clips the normalised values).
        """
        images = tf.cast(preprocessed[:MAX_IMAGES], tf.float32)
        low = tf.reduce_min(images, axis=[1, 2, 3], keepdims=True)
        high = tf.reduce_max(images, axis=[1, 2, 3], keepdims=True)
        with self._writer.as_default(step=step):
            tf.summary.image(
                IMAGES_TAG, tf.math.divide_no_nan(images - low, high - low), max_outputs=MAX_IMAGES
            )

    def flush(self) -> None:
        """Puts what was written on disk."""
        self._writer.flush()

    def close(self) -> None:
        """Flushes and closes the event file."""
        self._writer.close()
