"""The settings of post-processing, read from ``model.ssd.post_processing``."""

from __future__ import annotations

from typing import NamedTuple

from detection.config import pipeline_pb2 as pb
from detection.errors import ConfigError

_FIELD = "model.ssd.post_processing"
_NMS_FIELD = f"{_FIELD}.batch_non_max_suppression"


class PostprocessingRule(NamedTuple):
    """Settings of post-processing; the defaults are the protos'.

    Attributes:
        score_threshold: Only scores above it are detections.
        iou_threshold: A box is suppressed by a better one of its class at an IoU above it, 0..1.
        max_detections_per_class: Boxes that suppression keeps of each class, before those without area are
            dropped.
        max_total_detections: Number of rows that come out, padded with zeros.
        change_coordinate_frame: Boxes are relative to the true image; otherwise to the padded network input.
        soft_nms_sigma: Above 0, overlapping boxes lose score instead of being dropped (Bodla et al. 2017,
            arXiv:1704.04503).
        class_agnostic: One suppression over all classes with each anchor's best class.
        combined: As ``use_combined_nms``: boxes outside of the true image are not dropped.
        score_converter: ``IDENTITY``, ``SIGMOID`` or ``SOFTMAX``.
        logit_scale: Logits are divided by it.
        has_background: Column 0 of the class scores is the background.
    """

    score_threshold: float = 0.0
    iou_threshold: float = 0.6
    max_detections_per_class: int = 100
    max_total_detections: int = 100
    change_coordinate_frame: bool = True
    soft_nms_sigma: float = 0.0
    class_agnostic: bool = False
    combined: bool = False
    score_converter: str = "SIGMOID"
    logit_scale: float = 1.0
    has_background: bool = True

    @property
    def limit_per_class(self) -> int:
        """Boxes that one suppression keeps."""
        return self.max_total_detections if self.class_agnostic else self.max_detections_per_class


def postprocessing_rule(ssd: pb.Ssd) -> PostprocessingRule:
    """The settings that ``model.ssd`` asks for.

    Raises:
        ConfigError: A variant that is not supported, or values that contradict each other.
    """
    config = ssd.post_processing
    nms = config.batch_non_max_suppression
    _check_variant(config)
    _check_values(nms)
    return PostprocessingRule(
        score_threshold=nms.score_threshold,
        iou_threshold=nms.iou_threshold,
        max_detections_per_class=nms.max_detections_per_class,
        max_total_detections=nms.max_total_detections,
        change_coordinate_frame=nms.change_coordinate_frame,
        soft_nms_sigma=nms.soft_nms_sigma,
        class_agnostic=nms.use_class_agnostic_nms,
        combined=nms.use_combined_nms,
        score_converter=pb.PostProcessing.ScoreConverter.Name(config.score_converter),
        logit_scale=config.logit_scale,
        has_background=ssd.add_background_class or ssd.explicit_background_class,
    )


def _check_variant(config: pb.PostProcessing) -> None:
    nms = config.batch_non_max_suppression
    if config.HasField("calibration_config"):
        raise ConfigError(
            "calibrated scores are not supported",
            field=f"{_FIELD}.calibration_config",
            found="set",
            expected="not set",
        )
    for name in ("use_static_shapes", "use_partitioned_nms"):
        if getattr(nms, name):
            raise ConfigError(
                "this variant of non-maximum suppression is not supported",
                field=f"{_NMS_FIELD}.{name}",
                found="true",
                expected="false: it serves TPUs, and keeps the same boxes",
            )
    if nms.use_class_agnostic_nms and nms.max_classes_per_detection != 1:
        raise ConfigError(
            "several classes per detection are not supported",
            field=f"{_NMS_FIELD}.max_classes_per_detection",
            found=nms.max_classes_per_detection,
            expected="1",
        )


def _check_values(nms: pb.BatchNonMaxSuppression) -> None:
    if not 0.0 <= nms.iou_threshold <= 1.0:
        raise ConfigError(
            "an IoU lies between 0 and 1",
            field=f"{_NMS_FIELD}.iou_threshold",
            found=nms.iou_threshold,
            expected="0 to 1",
        )
    if not 0 < nms.max_detections_per_class <= nms.max_total_detections:
        raise ConfigError(
            "the numbers of detections contradict each other",
            field=f"{_NMS_FIELD}.max_detections_per_class",
            found=f"{nms.max_detections_per_class} with max_total_detections {nms.max_total_detections}",
            expected="1 up to max_total_detections",
        )
    if nms.use_combined_nms and nms.change_coordinate_frame:
        raise ConfigError(
            "combined suppression cannot change the coordinate frame",
            field=f"{_NMS_FIELD}.change_coordinate_frame",
            found="true with use_combined_nms",
            expected="false",
        )
