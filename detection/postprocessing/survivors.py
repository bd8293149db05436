"""What non-maximum suppression lets through, in the form that its ways of working share."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf


class Survivors(NamedTuple):
    """Boxes of ``B`` images that survived suppression, ``S`` rows each, the best score first.

    Among equal scores the lower class comes first, then the order in which suppression kept them.

    Attributes:
        anchors: int32 [B, S], index of the anchor.
        classes: int32 [B, S], 0-based, without the background.
        scores: float32 [B, S].
        valid: bool [B, S]; where False the row says nothing. False rows may stand anywhere.
    """

    anchors: tf.Tensor
    classes: tf.Tensor
    scores: tf.Tensor
    valid: tf.Tensor
