from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from detection.errors import ConfigError

OPTION = "data_augmentation_options {{ {name} {{ {fields} }} }}"


def _marked(boxes: list[list[float]], size: tuple[int, int]) -> np.ndarray:
    """Black, with a white rectangle where the first box is."""
    image = np.zeros((*size, 3), np.uint8)
    ymin, xmin, ymax, xmax = (np.array(boxes[0]) * [*size, *size]).round().astype(int)
    image[ymin:ymax, xmin:xmax] = 255
    return image


@pytest.mark.parametrize(
    ("name", "turn"),
    [
        ("random_horizontal_flip", lambda image: image[:, ::-1]),
        ("random_vertical_flip", lambda image: image[::-1]),
        ("random_rotation90", np.rot90),
    ],
)
def test_image_and_box_move_together(apply: Callable, picture: np.ndarray, name: str, turn: Callable) -> None:
    text = OPTION.format(name=name, fields="probability: 1.0")
    (result,) = apply(text, picture)
    np.testing.assert_array_equal(result.image, turn(picture))
    box = [[0.25, 0.1, 0.5, 0.3]]
    (result,) = apply(text, _marked(box, (40, 60)), box)
    rows, columns = np.nonzero(result.image[:, :, 0])
    height, width = result.image.shape[:2]
    seen = [
        rows.min() / height,
        columns.min() / width,
        (rows.max() + 1) / height,
        (columns.max() + 1) / width,
    ]
    np.testing.assert_allclose(result.boxes_yxyx_normalized[0], seen, atol=1e-6)


@pytest.mark.parametrize("name", ["random_horizontal_flip", "random_vertical_flip", "random_rotation90"])
@pytest.mark.parametrize(
    ("fields", "expected"), [("", 0.5), ("probability: 0.8", 0.8), ("probability: 0", 0.0)]
)
def test_probability(apply: Callable, picture: np.ndarray, name: str, fields: str, expected: float) -> None:
    count = 300
    results = apply(OPTION.format(name=name, fields=fields), picture, seeds=count)
    changed = sum(r.image.shape != picture.shape or bool((r.image != picture).any()) for r in results)
    deviation = (expected * (1 - expected) * count) ** 0.5
    assert abs(changed - expected * count) <= 4 * deviation


def test_keypoints_are_refused(apply: Callable, picture: np.ndarray) -> None:
    with pytest.raises(ConfigError) as caught:
        apply(
            OPTION.format(name="random_horizontal_flip", fields="keypoint_flip_permutation: [1, 0]"), picture
        )
    assert "keypoint_flip_permutation" in caught.value.details["field"]
