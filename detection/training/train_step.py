"""One training step as one graph: forward, losses, backward, update."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import tensorflow as tf

from detection.errors import ConfigError
from detection.training.optimizers import Optimizer

TOTAL_LOSS = "Loss/total_loss"
LEARNING_RATE = "learning_rate"
NEXT_LEARNING_RATE = "next_learning_rate"


class Detector(Protocol):
    """What training needs of a detector; ``detection.detector.SsdDetector`` is one."""

    network: Any

    def predict(self, images: Any, training: bool) -> Any:
        """Predictions for ``[B, H, W, 3]`` preprocessed images."""

    def losses(
        self, predictions: Any, groundtruth: Any, *, add_regularization_loss: bool = True
    ) -> dict[str, Any]:
        """Scalar losses by TensorBoard tag, ``Loss/total_loss`` among them."""


class TrainStep:
    """Trains on one batch per call.

    With R replicas each loss is divided by R before it is differentiated, each replica clips its own
    gradients, and gradients are then summed (OD_API_SPEC section 6). The mean of their losses is returned.

    Args:
        detector: Made in the strategy's scope.
        optimizer: Built for ``variables``.
        variables: Variables to train.
        step: int64 variable, the global step; raised by each call.
        clip_norm: Largest global norm of the gradients; 0: no clipping.
        add_regularization_loss: Whether the weights' regularisation is part of the total loss.
        strategy: The ``tf.distribute`` strategy.
    """

    def __init__(
        self,
        detector: Detector,
        optimizer: Optimizer,
        variables: Sequence[Any],
        *,
        step: Any,
        clip_norm: float,
        add_regularization_loss: bool,
        strategy: Any,
    ) -> None:
        if clip_norm < 0:
            raise ConfigError(
                "the norm to clip at is negative",
                field="train_config.gradient_clipping_by_norm",
                found=clip_norm,
                expected="a positive number, or 0 for no clipping",
            )
        self._detector = detector
        self._optimizer = optimizer
        self._variables = list(variables)
        self._step = step
        self._clip_norm = clip_norm
        self._add_regularization_loss = add_regularization_loss
        self._strategy = strategy
        # Nothing in a step branches in Python on a tensor, and rewriting the code would double the time to trace.
        self._graph = tf.function(self._run, autograph=False)

    def __call__(self, images: Any, groundtruth: Any) -> dict[str, Any]:
        """Runs one step without waiting for its result.

        Args:
            images: ``[B, H, W, 3]`` float32, preprocessed; or one such part per replica.
            groundtruth: ``Groundtruth`` of the batch, likewise.

        Returns:
            float32 scalars: the losses under their tags, ``learning_rate`` of this update and
            ``next_learning_rate``.
        """
        result: dict[str, Any] = self._graph(images, groundtruth)
        return result

    def _run(self, images: Any, groundtruth: Any) -> dict[str, Any]:
        rate = self._optimizer.learning_rate(self._step)
        per_replica = self._strategy.run(self._replica_step, args=(images, groundtruth, rate))
        reduce = self._strategy.reduce
        values = {
            tag: reduce(tf.distribute.ReduceOp.SUM, part, axis=None) for tag, part in per_replica.items()
        }
        self._step.assign_add(1)
        self._optimizer.iter.assign_add(1)
        values[LEARNING_RATE] = rate
        values[NEXT_LEARNING_RATE] = self._optimizer.learning_rate(self._step)
        return values

    def _replica_step(self, images: Any, groundtruth: Any, rate: Any) -> dict[str, Any]:
        replicas = self._strategy.num_replicas_in_sync
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(self._variables)
            predictions = self._detector.predict(images, training=True)
            losses = self._detector.losses(
                predictions, groundtruth, add_regularization_loss=self._add_regularization_loss
            )
            losses = {tag: loss / replicas for tag, loss in losses.items()}
        gradients = tape.gradient(losses[TOTAL_LOSS], self._variables)
        pairs = [(v, g) for v, g in zip(self._variables, gradients, strict=True) if g is not None]
        variables, gradients = [v for v, _ in pairs], [g for _, g in pairs]
        if self._clip_norm > 0:
            gradients, _ = tf.clip_by_global_norm(gradients, self._clip_norm)
        if replicas > 1:
            context = tf.distribute.get_replica_context()
            gradients = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
        self._optimizer.apply(variables, gradients, rate)
        return losses
