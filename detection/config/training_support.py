"""What of training, input and evaluation we honour; see :mod:`detection.config.support_table`."""

from __future__ import annotations

from detection.config.support_rules import (
    ANY,
    FRACTION,
    NOT_NEGATIVE,
    POSITIVE,
    Rule,
    above,
    at_least,
    ignored,
    values,
)

# Names of PreprocessingStep's fields; detection/input/augmentation/registry.py has a function for each.
AUGMENTATIONS = (
    "random_horizontal_flip",
    "random_vertical_flip",
    "random_rotation90",
    "random_crop_image",
    "random_adjust_brightness",
    "random_adjust_contrast",
    "random_pixel_value_scale",
    "random_black_patches",
)

_DISTRIBUTION = ignored("it steers a way of distributing training that TensorFlow 2 does not have")
_QUEUE = ignored("it sizes a queue of TensorFlow 1")
_INPUT_TUNING = ignored("the input pipeline tunes itself")
_DRAWING = ignored("it steers the OD API's drawing; the evaluation report draws in its own way")
_EVAL_LOOP = ignored("it steers the OD API's endless evaluation loop; a run evaluates once")

_TRAINING = {
    "TrainConfig": {
        "batch_size": POSITIVE,
        "num_steps": POSITIVE,
        "optimizer": ANY,
        "data_augmentation_options": ANY,
        "gradient_clipping_by_norm": NOT_NEGATIVE,
        "add_regularization_loss": ANY,
        "fine_tune_checkpoint": ANY,
        "fine_tune_checkpoint_type": values("", "classification", "detection", "full"),
        "fine_tune_checkpoint_version": ANY,
        "from_detection_checkpoint": ANY,
        "freeze_variables": ANY,
        "update_trainable_variables": ANY,
        "run_fine_tune_checkpoint_dummy_computation": ignored("variables are always built before restoring"),
        "unpad_groundtruth_tensors": ANY,
        "max_number_of_boxes": POSITIVE,
        "keep_checkpoint_every_n_hours": ignored("the OD API on TensorFlow 2 ignores it as well"),
        "bias_grad_multiplier": ignored("the OD API on TensorFlow 2 ignores it as well"),
        "sync_replicas": _DISTRIBUTION,
        "startup_delay_steps": _DISTRIBUTION,
        "replicas_to_aggregate": _DISTRIBUTION,
        "batch_queue_capacity": _QUEUE,
        "num_batch_queue_threads": _QUEUE,
        "prefetch_queue_capacity": _QUEUE,
        "summarize_gradients": ignored("the OD API on TensorFlow 2 ignores it as well"),
    },
    "Optimizer": {
        "momentum_optimizer": ANY,
        "adam_optimizer": ANY,
        "rms_prop_optimizer": ANY,
        "use_moving_average": values(False),
        "moving_average_decay": ignored("moving averages are off"),
    },
    "MomentumOptimizer": {"learning_rate": ANY, "momentum_optimizer_value": FRACTION},
    "AdamOptimizer": {"learning_rate": ANY, "epsilon": above(0)},
    "RMSPropOptimizer": {
        "learning_rate": ANY,
        "momentum_optimizer_value": FRACTION,
        "decay": NOT_NEGATIVE,
        "epsilon": above(0),
    },
    "LearningRate": {
        "constant_learning_rate": ANY,
        "exponential_decay_learning_rate": ANY,
        "manual_step_learning_rate": ANY,
        "cosine_decay_learning_rate": ANY,
    },
    "ConstantLearningRate": {"learning_rate": above(0)},
    "ExponentialDecayLearningRate": {
        "initial_learning_rate": above(0),
        "decay_steps": POSITIVE,
        "decay_factor": above(0),
        "staircase": ANY,
        "burnin_learning_rate": NOT_NEGATIVE,
        "burnin_steps": NOT_NEGATIVE,
        "min_learning_rate": NOT_NEGATIVE,
    },
    "ManualStepLearningRate": {"initial_learning_rate": above(0), "schedule": ANY, "warmup": ANY},
    "ManualStepLearningRate.LearningRateSchedule": {"step": POSITIVE, "learning_rate": NOT_NEGATIVE},
    "CosineDecayLearningRate": {
        "learning_rate_base": above(0),
        "total_steps": POSITIVE,
        "warmup_learning_rate": NOT_NEGATIVE,
        "warmup_steps": NOT_NEGATIVE,
        "hold_base_rate_steps": NOT_NEGATIVE,
    },
}

_INPUT = {
    "InputReader": {
        "name": ANY,
        "label_map_path": ANY,
        "tf_record_input_reader": ANY,
        "shuffle": ANY,
        "shuffle_buffer_size": POSITIVE,
        "filenames_shuffle_buffer_size": ignored("all file names are shuffled"),
        "num_epochs": NOT_NEGATIVE,
        "sample_1_of_n_examples": POSITIVE,
        "num_readers": POSITIVE,
        "read_block_length": POSITIVE,
        "num_prefetch_batches": NOT_NEGATIVE,
        "drop_remainder": ANY,
        "max_number_of_boxes": POSITIVE,
        "include_source_id": ANY,
        "use_display_name": ignored(
            "the OD API ignores it as well: names and display names are both looked up"
        ),
        "num_parallel_batches": _INPUT_TUNING,
        "num_parallel_map_calls": _INPUT_TUNING,
        "prefetch_size": _INPUT_TUNING,
        "queue_capacity": _QUEUE,
        "min_after_dequeue": _QUEUE,
        "mask_type": ignored("only load_instance_masks reads it"),
        "input_type": values("TF_EXAMPLE", "INPUT_DEFAULT"),
    },
    "TFRecordInputReader": {"input_path": ANY},
}

_EVALUATION = {
    "EvalConfig": {
        "batch_size": POSITIVE,
        "metrics_set": values("coco_detection_metrics"),
        "include_metrics_per_category": ANY,
        "all_metrics_per_category": ANY,
        "use_moving_averages": values(False),
        "num_examples": ignored("every example of the evaluation data is evaluated"),
        "retain_original_images": ANY,
        "image_classes_field_map_empty_to_ones": ignored("image-level labels are not read"),
        "num_visualizations": _DRAWING,
        "min_score_threshold": _DRAWING,
        "max_num_boxes_to_visualize": _DRAWING,
        "visualization_export_dir": _DRAWING,
        "skip_scores": _DRAWING,
        "skip_labels": _DRAWING,
        "visualize_groundtruth_boxes": _DRAWING,
        "groundtruth_box_visualization_color": _DRAWING,
        "keep_image_id_for_visualization_export": _DRAWING,
        "eval_interval_secs": _EVAL_LOOP,
        "max_evals": _EVAL_LOOP,
        "save_graph": _EVAL_LOOP,
        "eval_master": _EVAL_LOOP,
    },
}

_AUGMENTATION = {
    "PreprocessingStep": dict.fromkeys(AUGMENTATIONS, ANY),
    "RandomHorizontalFlip": {"probability": FRACTION},
    "RandomVerticalFlip": {"probability": FRACTION},
    "RandomRotation90": {"probability": FRACTION},
    "RandomCropImage": {
        "min_object_covered": FRACTION,
        "min_aspect_ratio": above(0),
        "max_aspect_ratio": above(0),
        "min_area": FRACTION,
        "max_area": FRACTION,
        "overlap_thresh": FRACTION,
        "clip_boxes": ANY,
        "random_coef": FRACTION,
    },
    "RandomAdjustBrightness": {"max_delta": FRACTION},
    "RandomAdjustContrast": {"min_delta": NOT_NEGATIVE, "max_delta": NOT_NEGATIVE},
    "RandomPixelValueScale": {"minval": NOT_NEGATIVE, "maxval": NOT_NEGATIVE},
    "RandomBlackPatches": {
        "max_black_patches": at_least(0),
        "probability": FRACTION,
        "size_to_image_ratio": FRACTION,
    },
}

TRAINING_SUPPORT: dict[str, dict[str, Rule]] = {**_TRAINING, **_INPUT, **_EVALUATION, **_AUGMENTATION}
