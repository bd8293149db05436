"""The groundtruth of one batch, in the form that the input makes and the losses take."""

from __future__ import annotations

from typing import Any, NamedTuple


class Groundtruth(NamedTuple):
    """Labelled boxes of ``B`` images, padded to ``G`` rows each (OD_API_SPEC sections 5 and 9.2).

    A padding row has zeros everywhere; its weight 0 keeps it out of matching and losses.

    Attributes:
        boxes_yxyx_normalized: ``[B, G, 4]`` float32, ``[ymin, xmin, ymax, xmax]`` divided by the height and
            width of the (padded) network input. Usually in 0..1; boxes that reach outside the image go
            beyond.
        classes_one_hot: ``[B, G, C]`` float32, column ``label - 1`` is 1. All zeros where the label is 0 or
            above C.
        weights: ``[B, G]`` float32, at least 0; 1 for an ordinary box, 0 for padding.
    """

    boxes_yxyx_normalized: Any
    classes_one_hot: Any
    weights: Any


class EvalGroundtruth(NamedTuple):
    """What ``Groundtruth`` holds, and what only the evaluation needs.

    It can stand wherever a ``Groundtruth`` is read by attribute.

    Attributes:
        boxes_yxyx_normalized: As in ``Groundtruth``.
        classes_one_hot: As in ``Groundtruth``.
        weights: As in ``Groundtruth``.
        labels: ``[B, G]`` int64, label-map ids as the record has them; 0 for padding.
        is_crowd: ``[B, G]`` int64, 1 for a region of many objects, else 0 (also where the record does not
            say).
        area: ``[B, G]`` float32, the object's area in pixels as the record has it; 0 where it does not say.
    """

    boxes_yxyx_normalized: Any
    classes_one_hot: Any
    weights: Any
    labels: Any
    is_crowd: Any
    area: Any
