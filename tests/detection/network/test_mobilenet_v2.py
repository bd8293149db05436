"""Channel rules of MobileNet V2 (OD_API_SPEC section 1.2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detection.network.mobilenet_v2 import mobilenet_v2_widths, round_to_eight

# Stem; projections of blocks 0, 1-2, 3-5, 6-9, 10-12, 13-15, 16; head.
TABLE = {
    0.35: (16, (16, 16, 16, 24, 32, 56, 112), 448),
    0.5: (16, (16, 16, 16, 32, 48, 80, 160), 640),
    0.75: (24, (16, 24, 24, 48, 72, 120, 240), 960),
    1.0: (32, (16, 24, 32, 64, 96, 160, 320), 1280),
    1.4: (48, (24, 32, 48, 88, 136, 224, 448), 1280),
}
REPEATS = (1, 2, 3, 4, 3, 3, 1)


@pytest.mark.parametrize("alpha", TABLE)
def test_table_of_the_specification(alpha: float) -> None:
    stem, projections, head = TABLE[alpha]
    widths = mobilenet_v2_widths(alpha, min_depth=16)
    expected = [width for width, count in zip(projections, REPEATS, strict=True) for _ in range(count)]
    assert (widths.stem, [block.outputs for block in widths.blocks], widths.head) == (stem, expected, head)


def test_residual_is_decided_before_the_floor() -> None:
    floored, free = mobilenet_v2_widths(0.35, 16), mobilenet_v2_widths(0.35, 8)
    assert floored.blocks[2].outputs == 16 and not floored.blocks[2].has_residual
    assert free.blocks[2].outputs == 8 and free.blocks[2].has_residual


@pytest.mark.parametrize("alpha", [1.0, 1.4])
def test_residuals_of_the_usual_network(alpha: float) -> None:
    blocks = mobilenet_v2_widths(alpha, 16).blocks
    assert [number for number, block in enumerate(blocks) if block.has_residual] == [
        2,
        4,
        5,
        7,
        8,
        9,
        11,
        12,
        14,
        15,
    ]


@given(st.floats(0.05, 4.0), st.integers(0, 64))
def test_widths_fit_together(alpha: float, min_depth: int) -> None:
    widths = mobilenet_v2_widths(alpha, min_depth)
    inputs = widths.stem
    for number, block in enumerate(widths.blocks):
        assert block.inputs == inputs
        assert block.expanded == (inputs if number == 0 else 6 * inputs)
        assert block.outputs >= max(8, min_depth)
        assert not block.has_residual or (block.stride == 1 and block.inputs == block.outputs)
        inputs = block.outputs


@given(st.floats(0.01, 5000.0))
def test_round_to_eight(value: float) -> None:
    rounded = round_to_eight(value)
    assert rounded % 8 == 0 and rounded >= max(8, 0.9 * value) and rounded - value <= 12
