from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest


def _option(fields: str) -> str:
    return f"data_augmentation_options {{ random_black_patches {{ {fields} }} }}"


WHITE = np.full((50, 80, 3), 255, np.uint8)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_one_patch_is_a_black_square_anywhere(apply: Callable, dtype: type) -> None:
    corners = []
    for result in apply(_option("max_black_patches: 1 probability: 1"), WHITE.astype(dtype), seeds=200):
        rows, columns = np.nonzero((result.image == 0).all(axis=2))
        # side = int(min(50, 80) * 0.1)
        assert (rows.max() - rows.min() + 1, columns.max() - columns.min() + 1, len(rows)) == (5, 5, 25)
        assert (result.image == 255).sum() == 50 * 80 * 3 - 75
        corners.append((rows.min(), columns.min()))
    top, left = np.array(corners).T
    assert top.min() == 0 and 41 <= top.max() <= 44 and abs(top.mean() - 22) < 4 * 13 / 200**0.5
    assert left.min() <= 1 and 68 <= left.max() <= 71 and abs(left.mean() - 35.5) < 4 * 21 / 200**0.5
    assert abs(np.corrcoef(top, left)[0, 1]) < 0.25


def test_number_of_patches_is_binomial(apply: Callable) -> None:
    image = np.full((400, 400, 3), 255, np.uint8)
    # Patches of 1 pixel hardly ever meet.
    fields = "max_black_patches: 10 probability: 0.5 size_to_image_ratio: 0.0025"
    counts = [int((r.image == 0).all(axis=2).sum()) for r in apply(_option(fields), image, seeds=200)]
    assert 4.6 < np.mean(counts) < 5.4
    assert 1.3 < np.std(counts) < 1.9


def test_default_is_ten_patches_at_half_probability(apply: Callable) -> None:
    shares = [float((r.image == 0).mean()) for r in apply(_option(""), WHITE, seeds=100)]
    assert max(shares) <= 10 * 25 / 4000
    assert 0.02 < np.mean(shares) < 0.0325


@pytest.mark.parametrize("fields", ["probability: 0", "max_black_patches: 0", "size_to_image_ratio: 0.001"])
def test_nothing_to_blacken(apply: Callable, fields: str) -> None:
    (result,) = apply(_option(fields), WHITE)
    np.testing.assert_array_equal(result.image, WHITE)


def test_ratio_one_blackens_the_smaller_side(apply: Callable) -> None:
    (result,) = apply(_option("probability: 1 size_to_image_ratio: 1.0"), WHITE)
    assert (result.image[:, :50] == 0).all() and (result.image[:, 50:] == 255).all()


def test_the_input_image_is_not_written_to(apply: Callable) -> None:
    image = WHITE.copy()
    apply(_option("probability: 1"), image, seeds=3)
    np.testing.assert_array_equal(image, WHITE)
