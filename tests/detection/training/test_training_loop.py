from __future__ import annotations

import json
import threading

import numpy as np
import pytest
import tensorflow as tf

from detection.errors import ConfigError, DataError, Interrupted
from detection.training.history import read_history
from detection.training.interruption import Interruption
from detection.training.loop import train
from detection.training.non_finite import NonFiniteLoss


def kernel_of(result):
    return result.detector.network.kernel.numpy()


def losses_of(result):
    return [entry["Loss/total_loss"] for entry in read_history(result.history)]


def reference_run(tiny, num_steps, seed=0):
    """The tiny run in plain numpy-like eager TensorFlow, without the loop."""
    detector = tiny.TinyDetector(seed)
    variables = [detector.network.kernel, detector.network.bias]
    velocity = [tf.zeros_like(v) for v in variables]
    batches = iter(tiny.tiny_dataset(0, seed))
    losses = []
    for step in range(num_steps):
        features, groundtruth = next(batches)
        with tf.GradientTape() as tape:
            values = detector.losses(detector.predict(features["image"], True), groundtruth)
        losses.append(float(values["Loss/total_loss"]))
        decayed = 0.05 * (1 + np.cos(np.pi * (step - 3) / (num_steps - 3)))
        rate = 0.01 + 0.03 * step if step < 3 else decayed
        for i, gradient in enumerate(tape.gradient(values["Loss/total_loss"], variables)):
            velocity[i] = 0.9 * velocity[i] - rate * gradient
            variables[i].assign_add(velocity[i])
    return losses, detector.network.kernel.numpy()


def test_the_loop_is_the_plain_algorithm(tiny, tmp_path):
    result = train(tiny.tiny_job(tmp_path, 12))
    losses, kernel = reference_run(tiny, 12)
    np.testing.assert_allclose(losses_of(result), losses, rtol=1e-5)
    np.testing.assert_allclose(kernel_of(result), kernel, rtol=1e-5, atol=1e-6)
    assert result.steps == 12 and result.resumed_from is None
    assert result.losses["Loss/total_loss"] == pytest.approx(losses[-1], rel=1e-5)


def test_gradients_are_clipped_by_their_global_norm(tiny, tmp_path):
    start = tiny.TinyDetector(0).network
    result = train(tiny.tiny_job(tmp_path, 1, extra="gradient_clipping_by_norm: 0.001"))
    moved = [kernel_of(result) - start.kernel.numpy(), result.detector.network.bias.numpy()]
    norm = np.sqrt(sum(np.sum(part**2) for part in moved))
    assert norm == pytest.approx(0.01 * 0.001, rel=2e-2)  # the first learning rate times the clipped norm


def test_same_seed_same_losses_and_another_seed_others(tiny, tmp_path):
    runs = [
        losses_of(train(tiny.tiny_job(tmp_path / name, 8, seed=s)))
        for name, s in (("a", 1), ("b", 1), ("c", 2))
    ]
    # Sums over threads round differently from run to run, so equal means equal but for rounding.
    np.testing.assert_allclose(runs[0], runs[1], rtol=1e-5)
    assert not np.allclose(runs[0], runs[2], rtol=1e-3)


@pytest.mark.parametrize("stop_after", [1, 4, 7])
def test_a_run_stopped_and_continued_equals_one_that_was_not(tiny, tmp_path, stop_after):
    whole = train(tiny.tiny_job(tmp_path / "whole", 8))

    job = tiny.tiny_job(tmp_path / "cut", 8, checkpoint_every_steps=2)
    with pytest.raises(KeyboardInterrupt):
        _die_at(tiny, tmp_path / "cut", stop_after)
    result = train(job)
    assert result.steps == 8
    np.testing.assert_allclose(kernel_of(result), kernel_of(whole), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(losses_of(result), losses_of(whole), rtol=1e-4)
    assert [entry["step"] for entry in read_history(result.history)] == list(range(1, 9))


def _die_at(tiny, work_dir, step):
    """Trains until the data set dies, as a killed process would, without saving."""

    def dying(skip):
        def batches():
            for number, batch in enumerate(tiny.tiny_dataset(skip)):
                if skip + number >= step:
                    raise KeyboardInterrupt
                yield batch

        return batches()

    job = tiny.tiny_job(work_dir, 8, checkpoint_every_steps=2)
    train(type(job)(**{**job.__dict__, "open_dataset": dying}))


def test_a_finished_run_started_again_does_nothing_and_gives_the_same(tiny, tmp_path):
    first = train(tiny.tiny_job(tmp_path, 6))
    again = train(tiny.tiny_job(tmp_path, 6))
    assert again.resumed_from == 6 and again.steps == 6
    assert again.losses == first.losses
    assert again.images_per_second is None
    np.testing.assert_array_equal(kernel_of(again), kernel_of(first))


def test_checkpoints_by_steps_the_last_step_saved_and_a_few_kept(tiny, tmp_path):
    train(tiny.tiny_job(tmp_path, 11, checkpoint_every_steps=2, keep_checkpoints=3))
    names = sorted(path.stem for path in (tmp_path / "checkpoints").glob("*.index"))
    assert names == ["ckpt-10", "ckpt-11", "ckpt-8"]
    assert tf.train.latest_checkpoint(str(tmp_path / "checkpoints")).endswith("ckpt-11")


def test_the_starting_weights_come_from_the_warm_start_only_where_nothing_is_to_continue(tiny, tmp_path):
    calls = []

    def warm_start(network):
        calls.append(1)
        network.kernel.assign(tf.ones_like(network.kernel))
        return "report"

    assert train(tiny.tiny_job(tmp_path, 3, warm_start=warm_start)).warm_start == "report"
    assert train(tiny.tiny_job(tmp_path, 3, warm_start=warm_start)).warm_start is None
    assert calls == [1]


@pytest.mark.parametrize(
    "change", [{"seed": 5}, {"data_digest": "sha256:b"}, {"extra": "gradient_clipping_by_norm: 9"}]
)
def test_another_run_is_not_continued(tiny, tmp_path, change):
    train(tiny.tiny_job(tmp_path, 3, data_digest="sha256:a"))
    with pytest.raises(ConfigError) as error:
        train(tiny.tiny_job(tmp_path, 3, **{"data_digest": "sha256:a", **change}))
    assert "start afresh" in error.value.details["mend"]
    if "extra" in change:
        assert "gradient_clipping_by_norm: 9" in error.value.details["found"]


def test_without_a_checkpoint_yet_another_config_simply_begins(tiny, tmp_path):
    (tmp_path / "training.json").write_text('{"pipeline_config": "", "data_digest": "x", "seed": 9}')
    assert train(tiny.tiny_job(tmp_path, 2)).resumed_from is None
    assert json.loads((tmp_path / "training.json").read_text())["seed"] == 0


def test_a_loss_that_is_not_finite_names_the_step_and_the_records(tiny, tmp_path):
    job = tiny.tiny_job(tmp_path, 20, poisoned_batch=5, checkpoint_every_steps=1)
    with pytest.raises(NonFiniteLoss) as error:
        train(job)
    text = str(error.value)
    assert "step 6" in text and "Loss/total_loss" in text and "nan" in text
    assert all(f"record-{number}" in text for number in range(20, 24))
    assert "record-19" not in text and "record-24" not in text
    newest = tf.train.latest_checkpoint(str(tmp_path / "checkpoints"))
    assert newest.endswith("ckpt-5")
    for name, _ in tf.train.list_variables(newest):
        value = tf.train.load_variable(newest, name)
        assert isinstance(value, bytes) or np.all(np.isfinite(value))


def test_weights_that_are_not_finite_are_never_saved(tiny, tmp_path):
    # A finite loss whose update overflows: the weights break before a loss shows it.
    job = tiny.tiny_job(tmp_path, 4, checkpoint_every_steps=1)
    rate = job.config.train_config.optimizer.momentum_optimizer.learning_rate
    rate.constant_learning_rate.learning_rate = 3e38
    with pytest.raises(NonFiniteLoss, match="after step 1"):
        train(job)
    assert tf.train.latest_checkpoint(str(tmp_path / "checkpoints")) is None


def test_data_that_ends_is_said(tiny, tmp_path):
    job = tiny.tiny_job(tmp_path, 9)
    job = type(job)(**{**job.__dict__, "open_dataset": lambda skip: tiny.tiny_dataset(skip).take(4)})
    with pytest.raises(DataError, match="before step 5 of 9"):
        train(job)


@pytest.mark.parametrize("field", ["num_steps", "batch_size"])
def test_nothing_to_train_is_refused(tiny, tmp_path, field):
    job = tiny.tiny_job(tmp_path, 3)
    setattr(job.config.train_config, field, 0)
    with pytest.raises(ConfigError, match=f"train_config.{field}"):
        train(job)


def test_frozen_variables_stay_and_have_no_slots(tiny, tmp_path):
    start = tiny.TinyDetector(0).network.kernel.numpy()
    result = train(tiny.tiny_job(tmp_path, 4, extra='freeze_variables: "dense/kernel"'))
    np.testing.assert_array_equal(kernel_of(result), start)
    assert np.any(result.detector.network.bias.numpy() != 0)
    keys = [name for name, _ in tf.train.list_variables(str(tmp_path / "checkpoints" / "ckpt-4"))]
    assert sum(".OPTIMIZER_SLOT" in key for key in keys) == 1


@pytest.mark.parametrize(
    "extra", ['freeze_variables: "backbone"', 'freeze_variables: "("', 'freeze_variables: "dense"']
)
def test_freezing_that_cannot_be_meant_is_refused(tiny, tmp_path, extra):
    with pytest.raises(ConfigError, match="freeze_variables"):
        train(tiny.tiny_job(tmp_path, 2, extra=extra))


def test_a_request_stops_after_the_step_and_saves(tiny, tmp_path, monkeypatch):
    wishes = []
    enter = Interruption.__enter__
    monkeypatch.setattr(Interruption, "__enter__", lambda self: wishes.append(self) or enter(self))

    def on_progress(step, *_):
        wishes[0].request("SIGTERM")

    with pytest.raises(Interrupted) as error:
        train(tiny.tiny_job(tmp_path, 50), on_progress=on_progress)
    assert error.value.exit_code == 143
    saved = tf.train.latest_checkpoint(str(tmp_path / "checkpoints"))
    assert f"after step {saved.rsplit('-', 1)[1]} of 50" in str(error.value)


def test_it_trains_outside_the_main_thread(tiny, tmp_path):
    results = []
    thread = threading.Thread(target=lambda: results.append(train(tiny.tiny_job(tmp_path, 3))))
    thread.start()
    thread.join()
    assert results[0].steps == 3


def test_progress_and_history_tell_the_same(tiny, tmp_path):
    seen = []
    result = train(tiny.tiny_job(tmp_path, 5), on_progress=lambda *values: seen.append(values))
    step, total, loss, speed = seen[-1]
    entries = read_history(result.history)
    assert (step, total) == (5, 5) and speed > 0
    assert loss == pytest.approx(entries[-1]["Loss/total_loss"], rel=1e-6)
    assert entries[0]["learning_rate"] == pytest.approx(0.01)
    assert set(entries[0]) == {
        "step",
        "Loss/localization_loss",
        "Loss/regularization_loss",
        "Loss/total_loss",
        "learning_rate",
        "images_per_second",
    }
