"""A loss or a weight that is not a finite number: training stops, and says where."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import tensorflow as tf

from detection.errors import UserError

_IDS_SHOWN = 64


class NonFiniteLoss(UserError):  # noqa: N818  as the other errors of this kind (Interrupted)
    """A loss became NaN or infinite; the working checkpoints hold the state before."""


def check_losses(
    step: int, losses: dict[str, float], learning_rate: float, source_ids: Sequence[bytes]
) -> None:
    """Refuses losses that are not finite.

    Args:
        step: The step whose batch gave them, counted from 1.
        losses: Values by tag.
        learning_rate: Rate of that step.
        source_ids: The batch's ``image/source_id``.

    Raises:
        NonFiniteLoss: Names the step, the losses and the batch's records.
    """
    bad = {tag: value for tag, value in losses.items() if not math.isfinite(value)}
    if not bad:
        return
    names = [source.decode("utf-8", "replace") or "(no source_id)" for source in source_ids]
    more = f" and {len(names) - _IDS_SHOWN} more" if len(names) > _IDS_SHOWN else ""
    raise NonFiniteLoss(
        f"the loss is not a finite number at step {step}",
        field=", ".join(bad),
        found=f"{', '.join(str(value) for value in bad.values())} at learning rate {learning_rate:g}; "
        f"source ids of the batch: {', '.join(names[:_IDS_SHOWN])}{more}",
        expected="finite losses",
        mend="look at these records (data_validation checks them), lower the learning rate or lengthen the "
        "warm-up, or set train_config.gradient_clipping_by_norm",
    )


def check_weights(step: int, variables: Iterable[Any]) -> None:
    """Refuses weights that are not finite, so that no checkpoint ever holds them.

    Raises:
        NonFiniteLoss: Names the step and the first such variable.
    """
    for variable in variables:
        if not bool(tf.reduce_all(tf.math.is_finite(variable))):
            raise NonFiniteLoss(
                f"a weight is not a finite number after step {step}",
                field=variable.name,
                expected="finite weights",
                mend="lower the learning rate or lengthen the warm-up, or set "
                "train_config.gradient_clipping_by_norm",
            )
