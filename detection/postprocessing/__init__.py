"""From the network's outputs to detections: decoding, suppression, clipping (OD_API_SPEC section 7)."""

from __future__ import annotations

from detection.postprocessing.detections import Detections, postprocess
from detection.postprocessing.rule import PostprocessingRule, postprocessing_rule

__all__ = ["Detections", "PostprocessingRule", "postprocess", "postprocessing_rule"]
