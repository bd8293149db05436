from __future__ import annotations

import tensorflow as tf

from detection.groundtruth import EvalGroundtruth, Groundtruth


def test_eval_groundtruth_stands_in_for_groundtruth() -> None:
    assert EvalGroundtruth._fields[: len(Groundtruth._fields)] == Groundtruth._fields


def test_groundtruth_passes_through_a_dataset_and_a_function() -> None:
    rows = Groundtruth(tf.zeros([4, 2, 4]), tf.ones([4, 2, 3]), tf.ones([4, 2]))
    dataset = tf.data.Dataset.from_tensor_slices(rows).batch(2)

    @tf.function
    def total_weight(groundtruth: Groundtruth) -> tf.Tensor:
        return tf.reduce_sum(groundtruth.weights)

    batches = list(dataset)
    assert all(isinstance(batch, Groundtruth) for batch in batches)
    assert [float(total_weight(batch)) for batch in batches] == [4.0, 4.0]
