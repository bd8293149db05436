"""Everything that stands before the first step: detector, optimizer, and the state to start from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from detection.config.reading import format_pipeline_config
from detection.errors import ConfigError
from detection.training.checkpointing import WorkingCheckpoints
from detection.training.job import TrainingJob
from detection.training.optimizers import build_optimizer
from detection.training.run_identity import RunIdentity, check_same_run, record_identity
from detection.training.strategy import default_strategy
from detection.training.train_step import Detector, TrainStep
from detection.training.trained_variables import select_trained_variables

CHECKPOINTS_FOLDER = "checkpoints"


@dataclass(frozen=True)
class Prepared:
    """A run that is ready for its next step.

    Attributes:
        total_steps: Global step at which the run ends.
        resumed_from: Step it continues from; None: it begins.
        detector: With the weights to start from.
        weights: All variables of the network, the moving statistics too.
        train_step: Its step.
        checkpoints: Where to save.
        strategy: The ``tf.distribute`` strategy.
        warm_start: Report of the warm start; None where there was none.
    """

    total_steps: int
    resumed_from: int | None
    detector: Detector
    weights: tuple[Any, ...]
    train_step: TrainStep
    checkpoints: WorkingCheckpoints
    strategy: Any
    warm_start: Any


def prepare(job: TrainingJob, note: Callable[[str], None]) -> Prepared:
    """Builds the run and restores its newest checkpoint, or warm-starts it.

    Raises:
        ConfigError: See ``detection.training.loop.train``.
        CheckpointError: No working checkpoint reads, or the warm start's does not fit.
    """
    train_config = job.config.train_config
    _check_counts(train_config)
    strategy = job.strategy or default_strategy()
    with strategy.scope():
        detector = job.build_detector()
        step = tf.Variable(
            0,
            dtype=tf.int64,
            trainable=False,
            name="global_step",
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
        )
        optimizer = build_optimizer(train_config.optimizer)
        trained = select_trained_variables(detector.network.trainable_variables, train_config)
        optimizer.build(trained)
    checkpoints = WorkingCheckpoints(
        job.work_dir / CHECKPOINTS_FOLDER,
        job.keep_checkpoints,
        step=step,
        model=detector.network,
        optimizer=optimizer,
    )
    resumed_from, report = _starting_state(job, checkpoints, detector, note)
    if resumed_from is not None and resumed_from != int(step.numpy()):
        raise ConfigError(
            "a checkpoint's name and content disagree", found=int(step.numpy()), expected=resumed_from
        )
    train_step = TrainStep(
        detector,
        optimizer,
        trained,
        step=step,
        clip_norm=train_config.gradient_clipping_by_norm,
        add_regularization_loss=train_config.add_regularization_loss,
        strategy=strategy,
    )
    return Prepared(
        total_steps=train_config.num_steps,
        resumed_from=resumed_from,
        detector=detector,
        weights=tuple(detector.network.variables),
        train_step=train_step,
        checkpoints=checkpoints,
        strategy=strategy,
        warm_start=report,
    )


def _starting_state(
    job: TrainingJob, checkpoints: WorkingCheckpoints, detector: Detector, note: Callable[[str], None]
) -> tuple[int | None, Any]:
    identity = RunIdentity(format_pipeline_config(job.config), job.data_digest, job.seed)
    if checkpoints.steps():
        check_same_run(job.work_dir, identity)
        step = checkpoints.restore_latest(note)
        note(f"training continues from step {step} of {job.config.train_config.num_steps}")
        return step, None
    record_identity(job.work_dir, identity)
    return None, job.warm_start(detector.network) if job.warm_start else None


def _check_counts(train_config: Any) -> None:
    for name in ("num_steps", "batch_size"):
        if getattr(train_config, name) < 1:
            raise ConfigError(
                "there is nothing to train", field=f"train_config.{name}", found=0, expected="at least 1"
            )
