"""Checks that run with every record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf


def check(condition: Any, message: Sequence[Any], summarize: int = 8) -> Any:
    """An operation that fails with ``message`` (texts and tensors) unless the scalar ``condition`` holds.

    ``tf.debugging.Assert`` wraps each check in a branch, which costs more than the check.

    Raises:
        tf.errors.InvalidArgumentError: When run, with the message (see ``reading_errors``).
    """
    data = [tf.convert_to_tensor(part) for part in message]
    return tf.raw_ops.Assert(condition=condition, data=data, summarize=summarize)
