from __future__ import annotations

import math

import pytest

from components.coco_eval.metrics import Evaluation
from components.export_model.agreement import compare_metrics
from components.export_model.latency import measure_latency
from detection.errors import DataError


def evaluation(digest: str = "sha256:1", images: int = 3, **metrics: float | None) -> Evaluation:
    return Evaluation(
        metrics=metrics,
        per_class={},
        images=images,
        images_per_second=None,
        eval_digest=digest,
        label_map=(),
        scorer="hotcoco",
        notes=(),
    )


@pytest.mark.parametrize(
    ("checkpoint", "exported", "agrees"),
    [
        ({"AP": 0.5, "AP50": 0.7}, {"AP": 0.5, "AP50": 0.7}, True),
        ({"AP": 0.5}, {"AP": 0.505}, True),
        ({"AP": 0.5}, {"AP": 0.52}, False),
        ({"AP": 0.5}, {"AP": 0.48}, False),
        ({"AP": 0.5, "AP_small": None}, {"AP": 0.5, "AP_small": None}, True),
        ({"AP": 0.5, "AP_small": None}, {"AP": 0.5, "AP_small": 0.0}, False),
        ({"AP": 0.5, "AP_small": 0.0}, {"AP": 0.5, "AP_small": None}, False),
        ({"AP": 0.5, "AP50": 0.6}, {"AP": 0.5}, False),
        ({"AP": math.nan}, {"AP": math.nan}, False),
        ({"AP": 0.5}, {"AP": math.nan}, False),
        ({"AP": math.inf}, {"AP": math.inf}, False),
        ({}, {}, False),
        ({"AP": None}, {"AP": None}, True),
    ],
)
def test_truth_table(checkpoint, exported, agrees):
    assert compare_metrics(evaluation(**checkpoint), evaluation(**exported), 0.01).agrees is agrees


def test_the_worst_metric_is_named_with_both_values():
    agreement = compare_metrics(evaluation(AP=0.5, AP50=0.7), evaluation(AP=0.49, AP50=0.6), 0.01)
    assert agreement.worst_metric == "AP50" and agreement.largest_difference == pytest.approx(0.1)
    assert (agreement.checkpoint_value(), agreement.exported_value()) == ("0.700000", "0.600000")
    missing = compare_metrics(evaluation(AP=0.5), evaluation(AP=None), 0.01)
    assert missing.largest_difference is None and missing.exported_value() == "n/a"


@pytest.mark.parametrize("other", [{"digest": "sha256:2"}, {"images": 4}])
def test_other_data_is_refused(other):
    with pytest.raises(DataError, match="other data"):
        compare_metrics(evaluation(AP=0.5), evaluation(AP=0.5, **other), 0.01)


def test_latency_leaves_the_first_calls_out():
    ticks = iter(
        [0.0, 5.0, 5.0, 6.0] + [moment for call in range(10) for moment in (10.0, 10.0 + call / 1000)]
    )

    class Image:
        shape = (20, 30, 3)

    latency = measure_latency(lambda image: None, Image(), calls=10, warm_up=1, clock=lambda: next(ticks))
    assert (latency.first_ms, latency.median_ms, latency.p90_ms) == (5000.0, 4.5, 9.0)
    assert (latency.calls, latency.image_height, latency.image_width) == (10, 20, 30)
