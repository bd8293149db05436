"""The training loop: exact steps, continued after an interruption, stopped by a loss that is not finite."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, NamedTuple

import tensorflow as tf

from detection.errors import DataError, Interrupted, UserError
from detection.input.reading_errors import reading_errors
from detection.training.checkpointing import SaveSchedule
from detection.training.interruption import Interruption
from detection.training.job import TrainingJob, TrainingResult
from detection.training.non_finite import check_losses, check_weights
from detection.training.preparation import Prepared, prepare
from detection.training.recording import Recorder
from detection.training.strategy import distribute, local_parts
from detection.training.train_step import LEARNING_RATE, NEXT_LEARNING_RATE

# A step's losses are read while the next one runs, so that a GPU never waits for Python.
STEPS_IN_FLIGHT = 2

# Called with the step that is done, the steps in all, the total loss and the images per second.
OnProgress = Callable[[int, int, float, float], None]


class _InFlight(NamedTuple):
    step: int
    values: dict[str, Any]
    source_ids: Any
    images: Any


def train(
    job: TrainingJob, *, on_progress: OnProgress | None = None, note: Callable[[str], None] = print
) -> TrainingResult:
    """Trains to ``num_steps``, continuing from the newest checkpoint in ``job.work_dir`` where there is one.

    Args:
        job: What to train, on what, and where.
        on_progress: Called with step, steps in all, total loss and images/s, at most twice a second.
        note: Is told, a line each, what a person should know: where the run continues, what was passed over.

    Raises:
        Interrupted: SIGTERM or SIGINT came; the step was finished and saved first.
        NonFiniteLoss: A loss is NaN or infinite; names the step and the batch's source ids.
        ConfigError: The config cannot be trained, or the folder holds another run.
        CheckpointError: No working checkpoint reads.
        DataError: The data ended or does not decode.
    """
    started = time.monotonic()
    with Interruption() as interruption:
        prepared = prepare(job, note)
        with closing(Recorder(job, prepared, on_progress)) as recorder:
            _Loop(job, prepared, recorder, interruption).run()
    return TrainingResult(
        steps=prepared.total_steps,
        resumed_from=prepared.resumed_from,
        losses=recorder.last_losses,
        images_per_second=recorder.median_images_per_second,
        seconds=time.monotonic() - started,
        warm_start=prepared.warm_start,
        detector=prepared.detector,
        history=recorder.history_path,
    )


class _Loop:
    def __init__(
        self, job: TrainingJob, prepared: Prepared, recorder: Recorder, interruption: Interruption
    ) -> None:
        self._job = job
        self._prepared = prepared
        self._recorder = recorder
        self._interruption = interruption
        self._saved_step = prepared.resumed_from or 0
        self._schedule = SaveSchedule(job.checkpoint_every_steps, job.checkpoint_every_seconds)
        self._in_flight: deque[_InFlight] = deque()

    def run(self) -> None:
        start, total = self._saved_step, self._prepared.total_steps
        if start >= total:
            return
        batches = self._open(start)
        self._schedule.saved(start)
        self._recorder.start_clock()
        for step in range(start + 1, total + 1):
            self._stop_if_asked(step - 1)
            features, groundtruth = self._next_batch(batches, step)
            self._launch(step, features, groundtruth)
            while len(self._in_flight) >= STEPS_IN_FLIGHT:
                self._settle(self._in_flight.popleft())
            if self._schedule.due(step):
                self._save(step)
        self._save(total)

    def _open(self, start: int) -> Iterator[Any]:
        batch_size = self._job.config.train_config.batch_size
        dataset = self._job.open_dataset(start)
        return iter(distribute(dataset, self._prepared.strategy, batch_size))

    def _next_batch(self, batches: Iterator[Any], step: int) -> Any:
        try:
            with reading_errors():
                return next(batches)
        except (StopIteration, tf.errors.OutOfRangeError):
            raise DataError(
                f"the training data ended before step {step} of {self._prepared.total_steps}",
                field="train_input_reader.num_epochs",
                expected="data for all steps, or 0 epochs (without end) and at least one whole batch",
            ) from None
        except tf.errors.OpError as error:
            raise DataError(f"the batch of step {step} cannot be read", found=_first_line(error)) from None

    def _launch(self, step: int, features: Any, groundtruth: Any) -> None:
        try:
            values = self._prepared.train_step(features["image"], groundtruth)
        except tf.errors.ResourceExhaustedError as error:
            raise UserError(
                f"the memory does not suffice for step {step}",
                field="train_config.batch_size",
                found=f"{self._job.config.train_config.batch_size}; {_first_line(error)}",
                mend="take a smaller batch or smaller images",
            ) from None
        images = features["image"] if step % self._job.images_every_steps == 0 else None
        self._in_flight.append(_InFlight(step, values, features["source_id"], images))

    def _settle(self, done: _InFlight) -> None:
        """Reads the result of a step, which waits for it, and writes it down."""
        values = {tag: float(value) for tag, value in done.values.items()}
        rate, next_rate = values.pop(LEARNING_RATE), values.pop(NEXT_LEARNING_RATE)
        source_ids = [source for part in local_parts(done.source_ids) for source in part.numpy().tolist()]
        check_losses(done.step, values, rate, source_ids)
        images = None if done.images is None else local_parts(done.images)[0]
        self._recorder.record(done.step, values, rate, next_rate, images)

    def _save(self, step: int) -> None:
        while self._in_flight:
            self._settle(self._in_flight.popleft())
        if step == self._saved_step:
            return
        check_weights(step, self._prepared.weights)
        self._recorder.flush()
        self._prepared.checkpoints.save(step)
        self._saved_step = step
        self._schedule.saved(step)
        self._recorder.start_clock()

    def _stop_if_asked(self, step: int) -> None:
        if not self._interruption.requested:
            return
        self._save(step)
        raise Interrupted(
            f"training was stopped by {self._interruption.reason} after step {step} "
            f"of {self._prepared.total_steps}; the step is saved",
            file=self._job.work_dir,
            mend="run the same again: it continues from there",
        )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
