"""Whether an exported model scores as its checkpoint does: a pure comparison of two evaluations."""

from __future__ import annotations

import math
from dataclasses import dataclass

from components.coco_eval.metrics import Evaluation
from detection.errors import DataError


@dataclass(frozen=True)
class Agreement:
    """Metrics of the exported model beside those of the checkpoint.

    Attributes:
        agrees: Every metric is within the tolerance; n/a (None) agrees with n/a only.
        tolerance: Allowed absolute difference, 0..1.
        worst_metric: The metric with the largest difference; None where none is known on both sides.
        largest_difference: That difference; None where one side is n/a or not finite and the other is not.
        checkpoint: The checkpoint's 12 COCO numbers, None for n/a.
        exported: The exported model's.
        images: Number of images that both were scored on.
    """

    agrees: bool
    tolerance: float
    worst_metric: str | None
    largest_difference: float | None
    checkpoint: dict[str, float | None]
    exported: dict[str, float | None]
    images: int

    def checkpoint_value(self) -> str:
        """The checkpoint's value of the worst metric, in words."""
        return _words(self.checkpoint, self.worst_metric)

    def exported_value(self) -> str:
        """The exported model's value of the worst metric, in words."""
        return _words(self.exported, self.worst_metric)


def compare_metrics(checkpoint: Evaluation, exported: Evaluation, tolerance: float) -> Agreement:
    """Compares two evaluations of the same data.

    Args:
        checkpoint: coco_eval's of the checkpoint.
        exported: coco_eval's of the exported model.
        tolerance: Allowed absolute difference of each metric.

    Returns:
        Whether they agree, and where they are furthest apart.

    Raises:
        DataError: They were not made on the same data.
    """
    _require_same_data(checkpoint, exported)
    names = sorted({*checkpoint.metrics, *exported.metrics})
    differences = {
        name: _difference(checkpoint.metrics.get(name), exported.metrics.get(name)) for name in names
    }
    worst = max(names, key=lambda name: differences[name], default=None)
    largest = differences[worst] if worst is not None else 0.0
    return Agreement(
        agrees=worst is not None and largest <= tolerance,
        tolerance=tolerance,
        worst_metric=worst,
        largest_difference=largest if math.isfinite(largest) else None,
        checkpoint=dict(checkpoint.metrics),
        exported=dict(exported.metrics),
        images=exported.images,
    )


def _difference(one: float | None, other: float | None) -> float:
    """Absolute difference; infinite where only one is n/a, or either is not a finite number."""
    if one is None and other is None:
        return 0.0
    if one is None or other is None or not (math.isfinite(one) and math.isfinite(other)):
        return math.inf
    return abs(one - other)


def _require_same_data(checkpoint: Evaluation, exported: Evaluation) -> None:
    for field in ("eval_digest", "images"):
        first, second = getattr(checkpoint, field), getattr(exported, field)
        if first != second:
            raise DataError(
                "the checkpoint was evaluated on other data than the exported model",
                field=field,
                found=first,
                expected=f"{second} (the manifest's eval split)",
                mend="run coco_eval again with this manifest",
            )


def _words(metrics: dict[str, float | None], name: str | None) -> str:
    value = metrics.get(name) if name is not None else None
    return "n/a" if value is None else f"{value:.6f}"
