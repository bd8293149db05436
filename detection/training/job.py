"""What a training run is told, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from detection.training.train_step import Detector


@dataclass(frozen=True)
class TrainingJob:
    """A run of ``config.train_config.num_steps`` steps in ``work_dir``.

    Attributes:
        config: ``pb.TrainEvalPipelineConfig``; batch size, steps, optimizer and clipping are read here.
        build_detector: Makes the detector with its starting weights; called once, in the strategy's scope.
        open_dataset: Given a number of batches to skip, a dataset of ``(features, groundtruth)`` batches:
            ``features["image"]`` ``[B, H, W, 3]`` float32 preprocessed, ``features["source_id"]`` ``[B]``
            string. It repeats for ever, and skipping n batches continues the order exactly.
        work_dir: Local folder that outlives an interruption: ``checkpoints/``, ``tensorboard/train/``,
            ``history.jsonl``, ``training.json``.
        seed: Seed behind ``build_detector`` and ``open_dataset``; part of the run's identity.
        data_digest: Digest of the training data; part of the run's identity.
        warm_start: Loads foreign weights into ``detector.network`` and returns its report; called only where
            there is no own checkpoint to continue from.
        checkpoint_every_steps: Steps between working checkpoints; 0: not by steps.
        checkpoint_every_seconds: Seconds between them; 0: not by time.
        keep_checkpoints: How many are kept.
        scalars_every_steps: Steps between TensorBoard scalars.
        images_every_steps: Steps between TensorBoard images.
        strategy: A ``tf.distribute`` strategy; None: all GPUs, or the one device.
    """

    config: Any
    build_detector: Callable[[], Detector]
    open_dataset: Callable[[int], Any]
    work_dir: Path
    seed: int = 0
    data_digest: str = ""
    warm_start: Callable[[Any], Any] | None = None
    checkpoint_every_steps: int = 1000
    checkpoint_every_seconds: float = 300.0
    keep_checkpoints: int = 3
    scalars_every_steps: int = 10
    images_every_steps: int = 100
    strategy: Any = None


@dataclass(frozen=True)
class TrainingResult:
    """What a finished run did.

    Attributes:
        steps: The global step at the end.
        resumed_from: Step of the checkpoint that this start continued from; None: it began at 0.
        losses: Losses of the last step by tag, such as ``Loss/total_loss``.
        images_per_second: Median over the steps of this start, without the first; None: too few steps.
        seconds: Wall-clock time of this start, from the call to the last checkpoint.
        warm_start: What ``warm_start`` returned; None where it was not called.
        detector: With the trained weights.
        history: The ``history.jsonl`` of the whole run.
    """

    steps: int
    resumed_from: int | None
    losses: dict[str, float]
    images_per_second: float | None
    seconds: float
    warm_start: Any
    detector: Detector
    history: Path = field(repr=False)
