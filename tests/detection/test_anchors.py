from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detection.anchors import AnchorTable, multiscale_anchors
from detection.config import pipeline_pb2 as pb
from detection.config.reading import load_pipeline_config
from detection.errors import ConfigError


def generator(**fields) -> pb.MultiscaleAnchorGenerator:
    values = {"min_level": 3, "max_level": 7, "aspect_ratios": [1.0, 2.0, 0.5], **fields}
    return pb.MultiscaleAnchorGenerator(**values)


def shapes_of(height: int, width: int, levels=range(3, 8)) -> list[tuple[int, int]]:
    return [(math.ceil(height / 2**level), math.ceil(width / 2**level)) for level in levels]


def slow_anchors(config: pb.MultiscaleAnchorGenerator, height: int, width: int, shapes) -> np.ndarray:
    """OD_API_SPEC section 4, anchor by anchor."""
    anchors = []
    for level, (rows, columns) in zip(range(config.min_level, config.max_level + 1), shapes, strict=True):
        stride, base = 2**level, config.anchor_scale * 2**level
        for y in range(rows):
            for x in range(columns):
                ycenter = y * stride + (stride / 2 if height % stride == 0 else 0)
                xcenter = x * stride + (stride / 2 if width % stride == 0 else 0)
                for ratio in config.aspect_ratios:
                    for step in range(config.scales_per_octave):
                        scale = 2 ** (step / config.scales_per_octave)
                        h, w = scale / math.sqrt(ratio) * base, scale * math.sqrt(ratio) * base
                        box = [ycenter - h / 2, xcenter - w / 2, ycenter + h / 2, xcenter + w / 2]
                        if config.normalize_coordinates:
                            box = [box[0] / height, box[1] / width, box[2] / height, box[3] / width]
                        anchors.append(box)
    return np.array(anchors)


@settings(max_examples=15, deadline=None)
@given(
    height=st.integers(65, 260),
    width=st.integers(65, 260),
    scale=st.sampled_from([2.0, 4.0, 3.3]),
    scales_per_octave=st.integers(1, 3),
    ratios=st.lists(st.sampled_from([0.3, 0.5, 1.0, 2.0]), min_size=1, max_size=3),
    normalized=st.booleans(),
)
def test_equals_the_formula_anchor_by_anchor(height, width, scale, scales_per_octave, ratios, normalized):
    config = generator(
        anchor_scale=scale,
        scales_per_octave=scales_per_octave,
        aspect_ratios=ratios,
        normalize_coordinates=normalized,
    )
    shapes = shapes_of(height, width)
    anchors = multiscale_anchors(config, height, width, shapes)
    assert anchors.dtype == np.float32
    np.testing.assert_allclose(anchors, slow_anchors(config, height, width, shapes), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("side", "count"), [(640, 51_150), (320, 12_804), (1024, 130_944)])
def test_counts_of_the_zoo_sizes(side, count):
    assert multiscale_anchors(generator(), side, side, shapes_of(side, side)).shape == (count, 4)


def test_a_stride_that_does_not_divide_the_side_has_no_offset():
    anchors = multiscale_anchors(
        generator(normalize_coordinates=False, aspect_ratios=[1.0], scales_per_octave=1),
        320,
        320,
        shapes_of(320, 320),
    )
    level_7, level_6 = anchors[-9], anchors[-9 - 25]
    assert (level_7[0] + level_7[2]) / 2 == 0.0
    assert (level_6[0] + level_6[2]) / 2 == 32.0


def test_levels_that_do_not_fit_the_maps_are_refused():
    with pytest.raises(ConfigError, match="5 levels") as error:
        multiscale_anchors(generator(), 64, 64, shapes_of(64, 64, range(3, 7)))
    assert "4 levels" in str(error.value)


def test_the_table_makes_each_size_once():
    table = AnchorTable(generator())
    first = table.of((64, 96), shapes_of(64, 96))
    assert table.of((64, 96), shapes_of(64, 96)) is first
    assert table.of((96, 64), shapes_of(96, 64)) is not first


@pytest.mark.parametrize("name", ["mobilenet", "mobilenet_small", "resnet50_small"])
def test_recorded_anchors_in_every_bit(shared_dir, name):
    folder = shared_dir / "golden" / name
    config = load_pipeline_config(folder / "pipeline.config")
    with np.load(folder / "golden.npz") as recorded:
        expected = recorded["anchors"]
    anchors = multiscale_anchors(
        config.model.ssd.anchor_generator.multiscale_anchor_generator, 320, 320, shapes_of(320, 320)
    )
    np.testing.assert_array_equal(anchors, expected)
