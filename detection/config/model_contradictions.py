"""Fields of ``model`` that are right alone and wrong together (OD_API_SPEC sections 1 to 7)."""

from __future__ import annotations

import math
from collections.abc import Iterator

from detection.config import pipeline_pb2 as pb
from detection.config.support_rules import Problem

# OD_API_SPEC sections 1.1 and 2: the smallest image side in pixels that each extractor takes.
_MINIMUM_SIDE = {"mobilenet": 33, "resnet": 129}
_PREDICTOR = "weight_shared_convolutional_box_predictor"
_SUPPRESSION = "model.ssd.post_processing.batch_non_max_suppression"


def model_contradictions(ssd: pb.Ssd) -> Iterator[Problem]:
    """Every contradiction between the fields of ``model.ssd``."""
    yield from _levels(ssd)
    yield from _image_size(ssd)
    yield from _layers(ssd)
    yield from _matcher(ssd.matcher.argmax_matcher)
    yield from _suppression(ssd.post_processing.batch_non_max_suppression)
    yield from _scores(ssd)


def _levels(ssd: pb.Ssd) -> Iterator[Problem]:
    anchors = ssd.anchor_generator.multiscale_anchor_generator
    fpn = ssd.feature_extractor.fpn
    if ssd.anchor_generator.HasField("multiscale_anchor_generator") and ssd.feature_extractor.HasField("fpn"):
        for name in ("min_level", "max_level"):
            found, expected = getattr(anchors, name), getattr(fpn, name)
            if found != expected:
                yield Problem(
                    f"model.ssd.anchor_generator.multiscale_anchor_generator.{name}",
                    str(found),
                    f"{expected}, as in model.ssd.feature_extractor.fpn.{name}",
                )
    if fpn.max_level < 5 and "mobilenet" in ssd.feature_extractor.type:
        yield Problem(
            "model.ssd.feature_extractor.fpn.max_level",
            str(fpn.max_level),
            "5 or more: below it this extractor would pair the wrong levels",
        )
    if fpn.max_level < fpn.min_level:
        yield Problem(
            "model.ssd.feature_extractor.fpn.max_level",
            str(fpn.max_level),
            f"at least min_level, which is {fpn.min_level}",
        )


def image_size(resizer: pb.ImageResizer) -> tuple[int, int] | None:
    """Height and width in pixels of what a resizer gives to the network; None where it varies."""
    if resizer.HasField("fixed_shape_resizer"):
        return resizer.fixed_shape_resizer.height, resizer.fixed_shape_resizer.width
    keep = resizer.keep_aspect_ratio_resizer
    if resizer.HasField("keep_aspect_ratio_resizer") and keep.pad_to_max_dimension:
        return keep.max_dimension, keep.max_dimension
    return None


def _image_size(ssd: pb.Ssd) -> Iterator[Problem]:
    resizer = ssd.image_resizer
    keep = resizer.keep_aspect_ratio_resizer
    path = f"model.ssd.image_resizer.{resizer.WhichOneof('image_resizer_oneof')}"
    if resizer.HasField("keep_aspect_ratio_resizer"):
        if not keep.pad_to_max_dimension:
            yield Problem(f"{path}.pad_to_max_dimension", "false", "true: images of one size make a batch")
        if keep.min_dimension > keep.max_dimension:
            yield Problem(
                f"{path}.min_dimension",
                str(keep.min_dimension),
                f"at most max_dimension ({keep.max_dimension})",
            )
        if len(keep.per_channel_pad_value) not in (0, 3):
            yield Problem(
                f"{path}.per_channel_pad_value",
                f"{len(keep.per_channel_pad_value)} numbers",
                "3 numbers or none",
            )
    size = image_size(resizer)
    if size is None:
        return
    extractor = ssd.feature_extractor
    minimum = next((side for name, side in _MINIMUM_SIDE.items() if name in extractor.type), 1)
    if min(size) < minimum:
        yield Problem(
            path, f"{size[0]}x{size[1]} pixels", f"sides of {minimum} pixels or more for {extractor.type}"
        )
    elif not _levels_double(size, extractor):
        yield Problem(
            path,
            f"{size[0]}x{size[1]} pixels",
            "sides that are multiples of 32, so that each pyramid level is twice the next",
        )


def _levels_double(size: tuple[int, int], extractor: pb.SsdFeatureExtractor) -> bool:
    """Whether every top-down level is exactly twice the next one on both axes (OD_API_SPEC 1.1)."""
    if extractor.use_explicit_padding and "mobilenet" in extractor.type:
        return True
    top = min(extractor.fpn.max_level, 5)
    multiple = max(1, extractor.pad_to_multiple)
    for unpadded in size:
        side = math.ceil(unpadded / multiple) * multiple
        for level in range(extractor.fpn.min_level, top):
            if math.ceil(side / 2**level) != 2 * math.ceil(side / 2 ** (level + 1)):
                return False
    return True


def _layers(ssd: pb.Ssd) -> Iterator[Problem]:
    extractor = ssd.feature_extractor
    hyperparams = extractor.conv_hyperparams
    if extractor.override_base_feature_extractor_hyperparams and not hyperparams.HasField("batch_norm"):
        yield Problem(
            "model.ssd.feature_extractor.conv_hyperparams.batch_norm",
            "nothing",
            "a batch_norm, with override_base_feature_extractor_hyperparams: true",
        )
    predictor = ssd.box_predictor.weight_shared_convolutional_box_predictor
    if predictor.num_layers_before_predictor and not predictor.depth:
        yield Problem(f"model.ssd.box_predictor.{_PREDICTOR}.depth", "0", "1 or more")
    clip = predictor.box_encodings_clip_range
    if predictor.HasField("box_encodings_clip_range") and clip.min >= clip.max:
        path = f"model.ssd.box_predictor.{_PREDICTOR}.box_encodings_clip_range"
        yield Problem(path, f"{clip.min:g} to {clip.max:g}", "a min below max")


def _matcher(matcher: pb.ArgMaxMatcher) -> Iterator[Problem]:
    if matcher.ignore_thresholds:
        return
    matched, unmatched = matcher.matched_threshold, matcher.unmatched_threshold
    path = "model.ssd.matcher.argmax_matcher.unmatched_threshold"
    if unmatched > matched:
        yield Problem(path, f"{unmatched:g}", f"at most matched_threshold ({matched:g})")
    elif unmatched == matched and not matcher.negatives_lower_than_unmatched:
        yield Problem(
            path,
            f"{unmatched:g}",
            f"below matched_threshold ({matched:g}) without negatives_lower_than_unmatched",
        )


def _suppression(suppression: pb.BatchNonMaxSuppression) -> Iterator[Problem]:
    if suppression.max_detections_per_class > suppression.max_total_detections:
        yield Problem(
            f"{_SUPPRESSION}.max_detections_per_class",
            str(suppression.max_detections_per_class),
            f"at most max_total_detections ({suppression.max_total_detections})",
        )
    if suppression.use_combined_nms and suppression.change_coordinate_frame:
        yield Problem(f"{_SUPPRESSION}.change_coordinate_frame", "true", "false, with use_combined_nms")


def _scores(ssd: pb.Ssd) -> Iterator[Problem]:
    """Exactly one place must turn logits into scores; the default of both is not to."""
    if not ssd.box_predictor.HasField(_PREDICTOR):
        return
    predictor = ssd.box_predictor.weight_shared_convolutional_box_predictor
    converts_early = predictor.score_converter == pb.WeightSharedConvolutionalBoxPredictor.SIGMOID
    path = "model.ssd.post_processing.score_converter"
    name = pb.PostProcessing.ScoreConverter.Name(ssd.post_processing.score_converter)
    unset = "" if ssd.post_processing.HasField("score_converter") else ", the default"
    if name == "IDENTITY" and not converts_early:
        yield Problem(path, name + unset, "SIGMOID or SOFTMAX: without one of them scores would be logits")
    if name != "IDENTITY" and converts_early:
        yield Problem(path, name, "IDENTITY, since the box predictor's score_converter is SIGMOID already")
