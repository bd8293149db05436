from __future__ import annotations

import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator

from detection.training.loop import train


def events_of(folder):
    accumulator = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    accumulator.Reload()
    return accumulator


def scalars(accumulator, tag):
    return [(e.step, float(tf.make_ndarray(e.tensor_proto))) for e in accumulator.Tensors(tag)]


def test_tags_steps_and_values_are_those_of_the_od_api(tiny, tmp_path):
    result = train(tiny.tiny_job(tmp_path, 7, scalars_every_steps=2, images_every_steps=4))
    found = events_of(tmp_path / "tensorboard" / "train")
    assert set(found.Tags()["tensors"]) == {
        "Loss/localization_loss",
        "Loss/regularization_loss",
        "Loss/total_loss",
        "learning_rate",
        "steps_per_sec",
        "train_input_images",
    }
    total = scalars(found, "Loss/total_loss")
    assert [step for step, _ in total] == [2, 4, 6, 7]
    assert total[-1][1] == pytest.approx(result.losses["Loss/total_loss"], rel=1e-6)
    # The rate is that of the update to come: the schedule at the new step.
    assert dict(scalars(found, "learning_rate"))[2] == pytest.approx(0.07, rel=1e-5)
    images = found.Tensors("train_input_images")
    assert [event.step for event in images] == [4]
    width, height, *pngs = tf.make_ndarray(images[0].tensor_proto)
    assert (int(width), int(height), len(pngs)) == (2, 2, 3)
    assert tf.reduce_max(tf.io.decode_png(pngs[0])) == 255


def test_a_resumed_run_draws_one_line(tiny, tmp_path):
    options = {"checkpoint_every_steps": 3, "scalars_every_steps": 1}
    batches = {"n": 0}

    def dying(skip):
        for batch in tiny.tiny_dataset(skip):
            batches["n"] += 1
            if batches["n"] > 5:
                raise KeyboardInterrupt
            yield batch

    job = tiny.tiny_job(tmp_path, 8, **options)
    with pytest.raises(KeyboardInterrupt):
        train(type(job)(**{**job.__dict__, "open_dataset": dying}))
    assert train(job).resumed_from == 3
    steps = [step for step, _ in scalars(events_of(tmp_path / "tensorboard" / "train"), "Loss/total_loss")]
    assert steps == list(range(1, 9))
