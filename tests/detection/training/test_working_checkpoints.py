from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from detection.errors import CheckpointError, UserError
from detection.training.checkpointing import SaveSchedule, WorkingCheckpoints
from detection.training.loop import train


def make(folder, keep=3):
    step = tf.Variable(0, dtype=tf.int64)
    model = tf.Module()
    model.kernel = tf.Variable(tf.zeros([200]))
    return step, model, WorkingCheckpoints(folder, keep, step=step, model=model)


def write_three(folder):
    step, model, checkpoints = make(folder)
    for number in (10, 20, 30):
        step.assign(number)
        model.kernel.assign(tf.fill([200], float(number)))
        checkpoints.save(number)


def data_file(folder, number):
    return folder / f"ckpt-{number}.data-00000-of-00001"


def damage_flip(folder):
    content = bytearray(data_file(folder, 30).read_bytes())
    content[len(content) // 2] ^= 0x40
    data_file(folder, 30).write_bytes(content)


def damage_cut_data(folder):
    data_file(folder, 30).write_bytes(data_file(folder, 30).read_bytes()[:100])


def damage_remove_data(folder):
    data_file(folder, 30).unlink()


def damage_cut_index(folder):
    index = folder / "ckpt-30.index"
    index.write_bytes(index.read_bytes()[: index.stat().st_size // 2])


def damage_empty_index(folder):
    (folder / "ckpt-30.index").write_bytes(b"")


def damage_remove_index(folder):
    (folder / "ckpt-30.index").unlink()


@pytest.mark.parametrize(
    "damage",
    [
        damage_flip,
        damage_cut_data,
        damage_remove_data,
        damage_cut_index,
        damage_empty_index,
        damage_remove_index,
    ],
)
def test_a_damaged_newest_checkpoint_gives_way_to_the_one_before(tmp_path, damage):
    write_three(tmp_path)
    damage(tmp_path)
    step, model, checkpoints = make(tmp_path)
    notes = []
    assert checkpoints.restore_latest(notes.append) == 20
    assert int(step) == 20
    np.testing.assert_array_equal(model.kernel, np.full([200], 20.0))
    assert damage is damage_remove_index or "ckpt-30" in notes[0]


def test_when_none_reads_it_is_an_error_that_says_how_to_start_afresh(tmp_path):
    write_three(tmp_path)
    for number in (10, 20, 30):
        data_file(tmp_path, number).write_bytes(b"")
    with pytest.raises(CheckpointError) as error:
        make(tmp_path)[2].restore_latest(lambda line: None)
    assert "ckpt-10" in error.value.details["found"] and "remove" in error.value.details["mend"]


def test_no_folder_no_checkpoint(tmp_path):
    assert make(tmp_path / "none")[2].restore_latest() is None


def test_what_a_killed_save_leaves_is_no_checkpoint_and_is_cleaned_up(tmp_path):
    write_three(tmp_path)
    # Every file of a save is there, only the state file was not replaced yet.
    for path in list(tmp_path.glob("ckpt-30.*")):
        (tmp_path / path.name.replace("30", "40")).write_bytes(path.read_bytes())
    (tmp_path / "ckpt-50_temp").mkdir()
    (tmp_path / "ckpt-50_temp" / "part-00000-of-00001").write_bytes(b"half")
    step, _, checkpoints = make(tmp_path)
    assert checkpoints.restore_latest() == 30
    step.assign(45)
    checkpoints.save(45)
    assert checkpoints.steps() == [20, 30, 45]
    left = {path.name.split(".")[0] for path in tmp_path.iterdir()}
    assert left == {"checkpoint", "ckpt-20", "ckpt-30", "ckpt-45"}


def test_the_folder_can_be_moved(tmp_path):
    write_three(tmp_path / "here")
    (tmp_path / "here").rename(tmp_path / "there")
    assert make(tmp_path / "there")[2].restore_latest() == 30
    assert tf.train.latest_checkpoint(str(tmp_path / "there")) == str(tmp_path / "there" / "ckpt-30")


def test_a_save_that_fails_is_one_message_and_leaves_the_earlier_ones(tmp_path, monkeypatch):
    write_three(tmp_path)
    _, _, checkpoints = make(tmp_path)

    def full(*_, **__):
        raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(tf.train.Checkpoint, "write", full)
    with pytest.raises(UserError, match="No space left"):
        checkpoints.save(40)
    assert checkpoints.steps() == [10, 20, 30]


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="could not be written"):
        make(tmp_path / "file" / "checkpoints")[2].save(1)


def test_training_falls_back_and_ends_with_the_same_weights(tiny, tmp_path):
    whole = train(tiny.tiny_job(tmp_path / "whole", 9)).detector.network.kernel.numpy()
    job = tiny.tiny_job(tmp_path / "cut", 9, checkpoint_every_steps=3)
    train(job)
    data_file(tmp_path / "cut" / "checkpoints", 9).write_bytes(b"broken")
    notes = []
    result = train(job, note=notes.append)
    assert result.resumed_from == 6 and result.steps == 9
    assert any("ckpt-9" in line for line in notes)
    np.testing.assert_array_equal(result.detector.network.kernel.numpy(), whole)


@pytest.mark.parametrize(
    ("every_steps", "every_seconds", "step", "seconds", "due"),
    [
        (10, 0, 9, 1e9, False),
        (10, 0, 10, 0, True),
        (0, 60, 1, 59, False),
        (0, 60, 1, 60, True),
        (10, 60, 3, 61, True),
        (0, 0, 1000, 1e9, False),
        (1, 1, 0, 1e9, False),
    ],
)
def test_when_a_save_is_due(every_steps, every_seconds, step, seconds, due):
    now = [100.0]
    schedule = SaveSchedule(every_steps, every_seconds, clock=lambda: now[0])
    schedule.saved(0)
    now[0] += seconds
    assert schedule.due(step) is due
