"""Cropping to a random window and what becomes of the boxes (OD_API_SPEC section 10, random_crop_image)."""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from detection.input.augmentation.randomness import derived, uniform
from detection.input.augmentation.sample import Sample, Step, choose, keep_objects

_SAMPLER_ATTEMPTS = 100


class CropOptions(NamedTuple):
    """How one random crop is drawn: the fields of ``RandomCropImage``.

    Attributes:
        min_object_covered: Share of its own area by which the window must cover at least one box.
        min_aspect_ratio: Smallest width / height of the window.
        max_aspect_ratio: Largest width / height of the window.
        min_area: Smallest window, as a share of the image's area.
        max_area: Largest window, as a share of the image's area.
        overlap_thresh: Share of a box's area that must lie within the window for the box to stay.
        clip_boxes: Whether boxes are clipped to the window.
        random_coef: Probability of not cropping.
    """

    min_object_covered: float
    min_aspect_ratio: float
    max_aspect_ratio: float
    min_area: float
    max_area: float
    overlap_thresh: float
    clip_boxes: bool
    random_coef: float


def crop_options(options: Any, **replaced: Any) -> CropOptions:
    """Takes the fields that a message shares with ``CropOptions``; ``replaced`` stand in for others."""
    return CropOptions(
        **{
            name: replaced[name] if name in replaced else getattr(options, name)
            for name in CropOptions._fields
        }
    )


def random_crop_image(options: Any) -> Step:
    """Crops to a window drawn by TensorFlow's distorted bounding box sampler; boxes may all vanish."""
    bound = crop_options(options)
    return lambda sample, seed: random_crop(sample, seed, bound)


def random_crop(sample: Sample, seed: Any, options: CropOptions) -> Sample:
    """One random crop as ``options`` say, or the sample as it is with probability ``random_coef``."""

    def cropped() -> Sample:
        begin, size = _draw_window(sample, derived(seed, 1), options)
        return crop_to_window(sample, begin, size, options.overlap_thresh, options.clip_boxes)

    if options.random_coef <= 0.0:
        return cropped()
    return choose(uniform(derived(seed, 0), []) > options.random_coef, cropped, sample)


def _draw_window(sample: Sample, seed: Any, options: CropOptions) -> tuple[Any, Any]:
    """Top-left corner and size of the window in pixels, ``[2]`` int32 each; else the whole image."""
    boxes = tf.clip_by_value(sample.boxes_yxyx_normalized, 0.0, 1.0)
    begin, size, _ = tf.raw_ops.StatelessSampleDistortedBoundingBox(
        image_size=tf.shape(sample.image),
        bounding_boxes=boxes[tf.newaxis],
        min_object_covered=options.min_object_covered,
        seed=seed,
        aspect_ratio_range=(options.min_aspect_ratio, options.max_aspect_ratio),
        area_range=(options.min_area, options.max_area),
        max_attempts=_SAMPLER_ATTEMPTS,
        use_image_if_no_bounding_boxes=True,
    )
    return begin[:2], size[:2]


def crop_to_window(sample: Sample, begin: Any, size: Any, overlap_thresh: float, clip_boxes: bool) -> Sample:
    """Cuts the window out and keeps the boxes that lie enough within it.

    Args:
        sample: What is cropped.
        begin: ``[2]`` int32, top and left in pixels.
        size: ``[2]`` int32, height and width in pixels (at least 1).
        overlap_thresh: Share of its area that a box must have within the window. A box without overlap is
            always dropped (touching edges are no overlap), and so is one without area.
        clip_boxes: Whether the boxes, in the window's coordinates, are clipped to 0..1.
    """
    image = tf.slice(sample.image, tf.concat([begin, [0]], 0), tf.concat([size, [3]], 0))
    image.set_shape([None, None, 3])
    scale = tf.cast(tf.shape(sample.image)[:2], tf.float32)
    top_left = tf.cast(begin, tf.float32) / scale
    extent = tf.cast(size, tf.float32) / scale
    boxes = sample.boxes_yxyx_normalized
    kept = _lies_within(boxes, top_left, top_left + extent, overlap_thresh)
    reframed = (boxes - tf.tile(top_left, [2])) / tf.tile(extent, [2])
    if clip_boxes:
        reframed = tf.clip_by_value(reframed, 0.0, 1.0)
    return keep_objects(sample._replace(image=image, boxes_yxyx_normalized=reframed), kept)


def _lies_within(boxes: Any, top_left: Any, bottom_right: Any, overlap_thresh: Any) -> Any:
    """Which boxes overlap the window, with at least ``overlap_thresh`` of their own area; ``[N]`` bool."""
    overlap = tf.minimum(boxes[:, 2:], bottom_right) - tf.maximum(boxes[:, :2], top_left)
    intersection = tf.reduce_prod(tf.maximum(overlap, 0.0), axis=1)
    area = tf.reduce_prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    # A box without area gives 0 / 0, and NaN is not above any threshold.
    return tf.reduce_all(overlap > 0.0, axis=1) & (intersection / area >= overlap_thresh)
