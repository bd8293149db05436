"""Two replicas train as one device with the whole batch does: loss / R, summed gradients, mean statistics."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from detection.errors import ConfigError
from detection.training.history import read_history
from detection.training.loop import train
from detection.training.strategy import distribute

# Devices are split before TensorFlow starts, so this runs in a process of its own.
SCRIPT = """
import importlib.util, json, sys
import tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2)
spec = importlib.util.spec_from_file_location("tiny_run", sys.argv[1])
tiny = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tiny)
from detection.training.loop import train
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
result = train(tiny.tiny_job(sys.argv[2], int(sys.argv[3]), strategy=strategy, checkpoint_every_steps=4))
network = result.detector.network
print(json.dumps({"resumed": result.resumed_from, "kernel": network.kernel.numpy().tolist(),
                  "mean": network.moving_mean.numpy().tolist()}))
"""


def on_two_devices(project_root, work_dir, steps):
    tiny_path = Path(__file__).with_name("tiny_run.py")
    environment = {**os.environ, "PYTHONPATH": str(project_root), "TF_CPP_MIN_LOG_LEVEL": "3"}
    arguments = [sys.executable, "-c", SCRIPT, str(tiny_path), str(work_dir), str(steps)]
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_two_devices_equal_one(project_root, tiny, tmp_path):
    one = train(tiny.tiny_job(tmp_path / "one", 10))
    two = on_two_devices(project_root, tmp_path / "two", 10)
    np.testing.assert_allclose(two["kernel"], one.detector.network.kernel, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(two["mean"], one.detector.network.moving_mean, rtol=1e-4)
    losses = [
        [entry["Loss/total_loss"] for entry in read_history(tmp_path / name / "history.jsonl")]
        for name in ("one", "two")
    ]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-4)


@pytest.mark.slow
def test_a_run_on_two_devices_continues_on_one(project_root, tiny, tmp_path):
    def cut(skip):
        for number, batch in enumerate(tiny.tiny_dataset(skip)):
            if skip + number >= 6:
                raise KeyboardInterrupt
            yield batch

    job = tiny.tiny_job(tmp_path / "cut", 10, checkpoint_every_steps=4)
    with pytest.raises(KeyboardInterrupt):
        train(type(job)(**{**job.__dict__, "open_dataset": cut}))
    two = on_two_devices(project_root, tmp_path / "cut", 10)
    whole = train(tiny.tiny_job(tmp_path / "whole", 10))
    assert two["resumed"] == 4
    np.testing.assert_allclose(two["kernel"], whole.detector.network.kernel, rtol=1e-4, atol=1e-6)


def test_a_batch_that_cannot_be_split_is_refused():
    class Three:
        num_replicas_in_sync = 3

    with pytest.raises(ConfigError, match="batch_size"):
        distribute(tf.data.Dataset.range(4), Three(), 4)
