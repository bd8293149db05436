"""A detector of a few hundred weights and a counting data set: real training runs in milliseconds.

Run as a script it trains in a folder, so that tests can kill it: ``tiny_run.py WORK_DIR STEPS SECONDS``.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import tensorflow as tf

from detection.config.reading import parse_pipeline_config
from detection.groundtruth import Groundtruth
from detection.training.job import TrainingJob
from detection.training.loop import train

BATCH = 4


class TinyNetwork(tf.Module):
    """A linear map with something like a moving statistic."""

    def __init__(self, seed):
        super().__init__(name="tiny")
        start = tf.random.stateless_normal([12, 3], [seed, 7])
        self.kernel = tf.Variable(start, name="dense/kernel")
        self.bias = tf.Variable(tf.zeros([3]), name="dense/bias")
        self.moving_mean = tf.Variable(
            tf.zeros([12]),
            trainable=False,
            name="dense/moving_mean",
            synchronization=tf.VariableSynchronization.ON_READ,
            aggregation=tf.VariableAggregation.MEAN,
        )


class TinyDetector(tf.Module):
    """Learns to give the sum of its pixels' class weights; loss is NaN where an image holds NaN."""

    def __init__(self, seed=0):
        super().__init__()
        self.network = TinyNetwork(seed)

    def predict(self, images, training):
        flat = tf.reshape(images, [-1, 12])
        if training:
            mean = self.network.moving_mean
            mean.assign(0.9 * mean + 0.1 * tf.reduce_mean(flat, axis=0))
        return tf.matmul(flat, self.network.kernel) + self.network.bias

    def losses(self, predictions, groundtruth, *, add_regularization_loss=True):
        target = groundtruth.classes_one_hot[:, 0, :]
        fit = tf.reduce_mean(tf.math.squared_difference(predictions, target))
        if not add_regularization_loss:
            return {"Loss/localization_loss": fit, "Loss/total_loss": fit}
        decay = 1e-3 * tf.nn.l2_loss(self.network.kernel)
        return {
            "Loss/localization_loss": fit,
            "Loss/regularization_loss": decay,
            "Loss/total_loss": fit + decay,
        }


def tiny_config(num_steps, extra="", batch_size=BATCH):
    """A pipeline.config for the tiny detector; ``extra`` goes into train_config."""
    return parse_pipeline_config(
        f"""
        train_config {{
          batch_size: {batch_size}  num_steps: {num_steps}  {extra}
          optimizer {{ momentum_optimizer {{
            learning_rate {{ cosine_decay_learning_rate {{
              learning_rate_base: 0.1 total_steps: {num_steps}
              warmup_learning_rate: 0.01 warmup_steps: {min(3, num_steps)} }} }}
            momentum_optimizer_value: 0.9 }} }}
        }}"""
    )


def tiny_dataset(skip_batches, seed=0, batch_size=BATCH, poisoned_batch=None, seconds=0.0):
    """Batches whose content depends on their number and the seed only."""

    def make(number):
        image = tf.random.stateless_uniform([batch_size, 2, 2, 3], tf.stack([number, seed]))
        if poisoned_batch is not None:
            image = tf.where(number == poisoned_batch, float("nan"), image)
        if seconds:
            image = tf.numpy_function(lambda value: (time.sleep(seconds), value)[1], [image], tf.float32)
            image.set_shape([batch_size, 2, 2, 3])
        classes = tf.one_hot(tf.cast(tf.reduce_sum(image, [1, 2, 3]), tf.int32) % 3, 3)[:, tf.newaxis]
        ids = tf.strings.join(
            ["record-", tf.as_string(number * batch_size + tf.range(batch_size, dtype=tf.int64))]
        )
        boxes = tf.zeros([batch_size, 1, 4])
        return {"image": image, "source_id": ids}, Groundtruth(boxes, classes, tf.ones([batch_size, 1]))

    return tf.data.Dataset.range(skip_batches, 2**40).map(make)


def tiny_job(work_dir, num_steps=10, *, seed=0, extra="", poisoned_batch=None, seconds=0.0, **options):
    """A training job with everything tiny."""
    return TrainingJob(
        config=tiny_config(num_steps, extra),
        build_detector=lambda: TinyDetector(seed),
        open_dataset=lambda skip: tiny_dataset(skip, seed, poisoned_batch=poisoned_batch, seconds=seconds),
        work_dir=Path(work_dir),
        seed=seed,
        **options,
    )


def main():
    work_dir, steps, seconds = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    job = tiny_job(work_dir, steps, seconds=seconds, checkpoint_every_steps=5)
    result = train(job, on_progress=lambda step, *_: print(f"step {step}", flush=True))
    print(f"finished {result.steps} from {result.resumed_from}", flush=True)


if __name__ == "__main__":
    from detection.errors import UserError

    try:
        main()
    except UserError as error:
        print(error, flush=True)
        raise SystemExit(error.exit_code) from None
