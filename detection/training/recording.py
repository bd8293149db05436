"""What a step leaves behind for people: history, TensorBoard, progress and speed."""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from detection.training.history import FILE_NAME, History
from detection.training.job import TrainingJob
from detection.training.preparation import Prepared
from detection.training.summaries import TrainSummaries
from detection.training.train_step import TOTAL_LOSS

TENSORBOARD_FOLDER = "tensorboard"
PROGRESS_EVERY_SECONDS = 0.5
_RECENT_STEPS = 20


class Recorder:
    """Writes down every settled step.

    Args:
        job: The run.
        prepared: Its state; history and TensorBoard continue from its step.
        on_progress: See ``detection.training.loop.train``.
    """

    def __init__(
        self,
        job: TrainingJob,
        prepared: Prepared,
        on_progress: Callable[[int, int, float, float], None] | None,
    ) -> None:
        first_step = prepared.resumed_from or 0
        self.history_path = job.work_dir / FILE_NAME
        self._history = History(job.work_dir, first_step)
        self._summaries = TrainSummaries(job.work_dir / TENSORBOARD_FOLDER / "train", first_step)
        self._job = job
        self._total = prepared.total_steps
        self._batch_size = job.config.train_config.batch_size
        self._on_progress = on_progress
        self._last_progress = float("-inf")
        self._clock = time.monotonic()
        self._recent: deque[float] = deque(maxlen=_RECENT_STEPS)
        self._all: list[float] = []
        self._warmed_up = False

    @property
    def last_losses(self) -> dict[str, float]:
        """Losses of the last step by tag, of an earlier start where this one had nothing to do."""
        return {tag: value for tag, value in self._history.last.items() if tag.startswith("Loss/")}

    @property
    def median_images_per_second(self) -> float | None:
        """Median over the steps of this start but the first, which builds the graph; None: too few."""
        return self._batch_size / statistics.median(self._all) if self._all else None

    def start_clock(self) -> None:
        """The time until now belongs to no step (a checkpoint was written)."""
        self._clock = time.monotonic()

    def record(self, step: int, losses: dict[str, float], rate: float, next_rate: float, images: Any) -> None:
        """Writes one step down.

        Args:
            step: Global step after the update.
            losses: Values by tag.
            rate: Learning rate of the update.
            next_rate: Learning rate of the update to come.
            images: The batch's network input where it is to be shown, else None.
        """
        seconds = self._step_seconds()
        speed = self._batch_size / seconds
        self._history.add(step, {**losses, "learning_rate": rate, "images_per_second": speed})
        if step % self._job.scalars_every_steps == 0 or step == self._total:
            self._summaries.scalars(step, losses, next_rate, 1.0 / seconds)
        if images is not None:
            self._summaries.images(step, images)
        self._report_progress(step, losses[TOTAL_LOSS])

    def _step_seconds(self) -> float:
        now = time.monotonic()
        seconds = max(now - self._clock, 1e-9)
        self._clock = now
        if self._warmed_up:
            self._recent.append(seconds)
            self._all.append(seconds)
        self._warmed_up = True
        return statistics.fmean(self._recent) if self._recent else seconds

    def _report_progress(self, step: int, loss: float) -> None:
        now = time.monotonic()
        if self._on_progress is None:
            return
        if step < self._total and now - self._last_progress < PROGRESS_EVERY_SECONDS:
            return
        self._last_progress = now
        seconds = statistics.fmean(self._recent) if self._recent else float("inf")
        self._on_progress(step, self._total, loss, self._batch_size / seconds)

    def flush(self) -> None:
        """Puts everything on disk."""
        self._history.flush()
        self._summaries.flush()

    def close(self) -> None:
        """Flushes and closes."""
        self._history.close()
        self._summaries.close()
