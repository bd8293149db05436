"""A real process is killed while it trains, and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from detection.training.history import read_history
from detection.training.loop import train

SCRIPT = Path(__file__).with_name("tiny_run.py")
STEPS = 40


def start(project_root, work_dir):
    environment = {**os.environ, "PYTHONPATH": str(project_root), "TF_CPP_MIN_LOG_LEVEL": "3"}
    arguments = [sys.executable, str(SCRIPT), str(work_dir), str(STEPS), "0.1"]
    return subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    )


def wait_for_checkpoint(process, work_dir, lines):
    """Reads the process' lines until it has a checkpoint and is past it."""
    for line in process.stdout:
        lines.append(line)
        if line.startswith("step") and list((work_dir / "checkpoints").glob("ckpt-*.index")):
            return
    pytest.fail("the process ended early: " + "".join(lines))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_run_ends_with_the_same_steps_and_weights(project_root, tmp_path, tiny, number):
    work_dir = tmp_path / "cut"
    process = start(project_root, work_dir)
    lines: list[str] = []
    try:
        wait_for_checkpoint(process, work_dir, lines)
        process.send_signal(number)
        rest, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    if number == signal.SIGTERM:
        assert process.returncode == 143
        assert "stopped by SIGTERM" in rest and "Traceback" not in rest
    else:
        assert process.returncode == -signal.SIGKILL
    before = int(tf.train.latest_checkpoint(str(work_dir / "checkpoints")).rsplit("-", 1)[1])
    assert 0 < before < STEPS

    # What the data waits for is no part of what it is: the second start need not be slow.
    result = train(tiny.tiny_job(work_dir, STEPS, checkpoint_every_steps=5))
    assert result.resumed_from == before and result.steps == STEPS
    whole = train(tiny.tiny_job(tmp_path / "whole", STEPS))
    np.testing.assert_array_equal(
        result.detector.network.kernel.numpy(), whole.detector.network.kernel.numpy()
    )
    assert [entry["step"] for entry in read_history(result.history)] == list(range(1, STEPS + 1))
