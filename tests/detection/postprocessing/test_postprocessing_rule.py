from __future__ import annotations

import pytest

from detection.config import pipeline_pb2 as pb
from detection.errors import ConfigError
from detection.postprocessing import postprocessing_rule


def ssd(**nms) -> pb.Ssd:
    message = pb.Ssd()
    message.post_processing.score_converter = pb.PostProcessing.SIGMOID
    for name, value in nms.items():
        setattr(message.post_processing.batch_non_max_suppression, name, value)
    return message


def test_settings_are_read():
    rule = postprocessing_rule(
        ssd(score_threshold=0.25, iou_threshold=0.5, max_detections_per_class=10, max_total_detections=20)
    )
    assert (rule.score_threshold, rule.iou_threshold, rule.limit_per_class) == (0.25, 0.5, 10)
    assert rule.max_total_detections == 20 and rule.change_coordinate_frame and rule.has_background
    assert rule.score_converter == "SIGMOID" and rule.logit_scale == 1.0


def test_background_column():
    without = ssd()
    without.add_background_class = False
    assert not postprocessing_rule(without).has_background
    without.explicit_background_class = True
    assert postprocessing_rule(without).has_background


def test_class_agnostic_suppression_is_limited_by_the_total():
    rule = postprocessing_rule(ssd(use_class_agnostic_nms=True, max_detections_per_class=10))
    assert rule.class_agnostic and rule.limit_per_class == 100


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"use_static_shapes": True}, "use_static_shapes"),
        ({"use_partitioned_nms": True}, "use_partitioned_nms"),
        ({"use_class_agnostic_nms": True, "max_classes_per_detection": 2}, "max_classes_per_detection"),
        ({"iou_threshold": 1.5}, "iou_threshold"),
        ({"max_detections_per_class": 101}, "max_detections_per_class"),
        ({"max_detections_per_class": 0}, "max_detections_per_class"),
        ({"use_combined_nms": True}, "change_coordinate_frame"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(fields, named):
    with pytest.raises(ConfigError, match=f"model.ssd.post_processing.batch_non_max_suppression.{named}"):
        postprocessing_rule(ssd(**fields))


def test_calibration_is_refused():
    message = ssd()
    message.post_processing.calibration_config.temperature_scaling_calibration.scaler = 2.0
    with pytest.raises(ConfigError, match="calibration_config"):
        postprocessing_rule(message)
