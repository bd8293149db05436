"""What of ``model`` we honour, field by field; see :mod:`detection.config.support_table`."""

from __future__ import annotations

from detection.config.support_rules import (
    ANY,
    FRACTION,
    NOT_NEGATIVE,
    POSITIVE,
    Rule,
    above,
    ignored,
    values,
    within,
)

FEATURE_EXTRACTORS = (
    "ssd_mobilenet_v2_fpn_keras",
    "ssd_resnet50_v1_fpn_keras",
    "ssd_resnet101_v1_fpn_keras",
    "ssd_resnet152_v1_fpn_keras",
)

_ANCHORWISE = ignored("the loss is always computed anchor by anchor, as in the OD API")

_NETWORK = {
    "Ssd": {
        "num_classes": POSITIVE,
        "image_resizer": ANY,
        "feature_extractor": ANY,
        "box_coder": ANY,
        "matcher": ANY,
        "similarity_calculator": ANY,
        "encode_background_as_zeros": ANY,
        "negative_class_weight": NOT_NEGATIVE,
        "box_predictor": ANY,
        "anchor_generator": ANY,
        "post_processing": ANY,
        "normalize_loss_by_num_matches": ANY,
        "normalize_loc_loss_by_codesize": ANY,
        "loss": ANY,
        "freeze_batchnorm": ANY,
        "add_background_class": ANY,
        "inplace_batchnorm_update": ignored("the OD API on TensorFlow 2 ignores it as well"),
        "implicit_example_weight": ignored("only use_confidences_as_targets reads it"),
    },
    "SsdFeatureExtractor": {
        "type": values(*FEATURE_EXTRACTORS),
        "depth_multiplier": above(0),
        "min_depth": NOT_NEGATIVE,
        "conv_hyperparams": ANY,
        "override_base_feature_extractor_hyperparams": ANY,
        "use_depthwise": ANY,
        "use_explicit_padding": ANY,
        "pad_to_multiple": POSITIVE,
        "fpn": ANY,
        "num_layers": ignored("a feature pyramid's levels come from fpn.min_level and fpn.max_level"),
    },
    "FeaturePyramidNetworks": {
        "min_level": within(2, 5),
        "max_level": within(3, 8),
        "additional_layer_depth": POSITIVE,
    },
    "Hyperparams": {
        "op": values("CONV"),
        "regularizer": ANY,
        "initializer": ANY,
        "activation": values("NONE", "RELU", "RELU_6", "SWISH"),
        "batch_norm": ANY,
        "force_use_bias": ANY,
        "regularize_depthwise": ignored("the OD API on TensorFlow 2 ignores it as well"),
    },
    "Regularizer": {"l2_regularizer": ANY},
    "L2Regularizer": {"weight": NOT_NEGATIVE},
    "Initializer": {
        "truncated_normal_initializer": ANY,
        "random_normal_initializer": ANY,
        "variance_scaling_initializer": ANY,
    },
    "VarianceScalingInitializer": {"factor": above(0), "uniform": ANY, "mode": ANY},
    "TruncatedNormalInitializer": {"mean": ANY, "stddev": NOT_NEGATIVE},
    "RandomNormalInitializer": {"mean": ANY, "stddev": NOT_NEGATIVE},
    "BatchNorm": {
        "decay": FRACTION,
        "center": ANY,
        "scale": ANY,
        "epsilon": above(0),
        "train": ignored("the OD API on TensorFlow 2 ignores it as well; freeze_batchnorm is honoured"),
    },
    "ImageResizer": {"fixed_shape_resizer": ANY, "keep_aspect_ratio_resizer": ANY},
    "FixedShapeResizer": {"height": POSITIVE, "width": POSITIVE, "resize_method": ANY},
    "KeepAspectRatioResizer": {
        "min_dimension": POSITIVE,
        "max_dimension": POSITIVE,
        "resize_method": ANY,
        "pad_to_max_dimension": values(True),
        "per_channel_pad_value": ANY,
    },
    "WeightSharedConvolutionalBoxPredictor.BoxEncodingsClipRange": {"min": ANY, "max": ANY},
    "BoxPredictor": {"weight_shared_convolutional_box_predictor": ANY},
    "WeightSharedConvolutionalBoxPredictor": {
        "conv_hyperparams": ANY,
        "num_layers_before_predictor": NOT_NEGATIVE,
        "depth": NOT_NEGATIVE,
        "kernel_size": POSITIVE,
        "class_prediction_bias_init": ANY,
        "use_dropout": ANY,
        "dropout_keep_probability": FRACTION,
        "score_converter": ANY,
        "box_encodings_clip_range": ANY,
        "share_prediction_tower": ANY,
        "use_depthwise": ANY,
    },
}

_BOXES = {
    "AnchorGenerator": {"multiscale_anchor_generator": ANY},
    "MultiscaleAnchorGenerator": {
        "min_level": within(2, 5),
        "max_level": within(3, 8),
        "anchor_scale": above(0),
        "aspect_ratios": above(0),
        "scales_per_octave": POSITIVE,
    },
    "BoxCoder": {"faster_rcnn_box_coder": ANY},
    "FasterRcnnBoxCoder": {
        "y_scale": above(0),
        "x_scale": above(0),
        "height_scale": above(0),
        "width_scale": above(0),
    },
    "Matcher": {"argmax_matcher": ANY},
    "ArgMaxMatcher": {
        "matched_threshold": FRACTION,
        "unmatched_threshold": FRACTION,
        "ignore_thresholds": ANY,
        "negatives_lower_than_unmatched": ANY,
        "force_match_for_each_row": ANY,
        "use_matmul_gather": ANY,
    },
    "RegionSimilarityCalculator": {"iou_similarity": ANY},
    "PostProcessing": {
        "batch_non_max_suppression": ANY,
        "score_converter": ANY,
        "logit_scale": above(0),
    },
    "BatchNonMaxSuppression": {
        "score_threshold": FRACTION,
        "iou_threshold": FRACTION,
        "max_detections_per_class": POSITIVE,
        "max_total_detections": POSITIVE,
        "change_coordinate_frame": ANY,
        "soft_nms_sigma": NOT_NEGATIVE,
        "use_class_agnostic_nms": ANY,
        "use_combined_nms": ANY,
    },
}

_LOSSES = {
    "Loss": {
        "localization_loss": ANY,
        "classification_loss": ANY,
        "classification_weight": NOT_NEGATIVE,
        "localization_weight": NOT_NEGATIVE,
        "min_num_negative_samples": ignored("only expected_loss_weights reads it"),
        "desired_negative_sampling_ratio": ignored("only expected_loss_weights reads it"),
    },
    "LocalizationLoss": {"weighted_smooth_l1": ANY, "weighted_l2": ANY},
    "WeightedSmoothL1LocalizationLoss": {"delta": above(0), "anchorwise_output": _ANCHORWISE},
    "WeightedL2LocalizationLoss": {"anchorwise_output": _ANCHORWISE},
    "ClassificationLoss": {"weighted_sigmoid_focal": ANY, "weighted_sigmoid": ANY},
    "SigmoidFocalClassificationLoss": {
        "gamma": NOT_NEGATIVE,
        "alpha": FRACTION,
        "anchorwise_output": _ANCHORWISE,
    },
    "WeightedSigmoidClassificationLoss": {"anchorwise_output": _ANCHORWISE},
}

MODEL_SUPPORT: dict[str, dict[str, Rule]] = {**_NETWORK, **_BOXES, **_LOSSES}

# A model is not complete without these; where the last part is a message with a choice, one must be chosen.
REQUIRED = (
    "model.ssd.num_classes",
    "model.ssd.image_resizer",
    "model.ssd.feature_extractor.type",
    "model.ssd.feature_extractor.conv_hyperparams.initializer",
    "model.ssd.feature_extractor.fpn",
    "model.ssd.box_coder",
    "model.ssd.matcher",
    "model.ssd.similarity_calculator",
    "model.ssd.box_predictor",
    "model.ssd.box_predictor.weight_shared_convolutional_box_predictor.conv_hyperparams.initializer",
    "model.ssd.anchor_generator",
    "model.ssd.anchor_generator.multiscale_anchor_generator.aspect_ratios",
    "model.ssd.loss.localization_loss",
    "model.ssd.loss.classification_loss",
)
