"""The parameters of config generation: what a run may ask for on top of its base config."""

from __future__ import annotations

import difflib
import json
import math
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from detection.errors import ConfigError

AUGMENTATION_NAMES = ("base", "recipe", "none")
OPTIMIZER_NAMES = ("", "momentum", "adam", "rms_prop")
_LARGEST_COUNT = 2**31 - 1


@dataclass(frozen=True)
class TrainingParameters:
    """What a run asks for; every default keeps or derives the base config's value.

    Attributes:
        num_steps: Training steps; None keeps the base's number.
        batch_size: Images in a step, over all GPUs together; 0 keeps the base's.
        learning_rate: The highest rate of the schedule; 0 derives it by linear scaling with the batch size.
        warmup_learning_rate: The rate of step 0; -1 derives it in the base's proportion to the rate.
        warmup_steps: Steps of rising rate; -1 derives them in the base's proportion to the steps.
        decay_steps: The step at which the decay ends; 0 derives it (the last step, for a cosine).
        image_size: Side in pixels of the square network input; 0 keeps the base's.
        num_classes: Classes of the model; 0 derives the largest id of the label map.
        augmentation: 'base' keeps the base's, 'recipe' is the street-scene recipe, 'none' switches it off.
        optimizer: '' keeps the base's; 'momentum', 'adam' or 'rms_prop'. Another one needs a learning_rate.
        max_boxes: Labelled boxes of an image that count; 0 keeps the base's.
        max_detections: Detections of an image; 0 keeps the base's.
        overrides: Values by full field path, set last, such as {"model.ssd.loss.classification_weight": 2.0}.
            A message takes text proto; null removes the field.
    """

    num_steps: int | None = None
    batch_size: int = 0
    learning_rate: float = 0.0
    warmup_learning_rate: float = -1.0
    warmup_steps: int = -1
    decay_steps: int = 0
    image_size: int = 0
    num_classes: int = 0
    augmentation: str = "base"
    optimizer: str = ""
    max_boxes: int = 0
    max_detections: int = 0
    overrides: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The parameters as JSON values."""
        return asdict(self)


# Smallest and largest value of each number; what the smallest means stands in the class's docstring.
_LIMITS: dict[str, tuple[float, float]] = {
    "num_steps": (1, _LARGEST_COUNT),
    "batch_size": (0, 65536),
    "learning_rate": (0, 1000),
    "warmup_learning_rate": (-1, 1000),
    "warmup_steps": (-1, _LARGEST_COUNT),
    "decay_steps": (0, _LARGEST_COUNT),
    "image_size": (0, 4096),
    "num_classes": (0, 10000),
    "max_boxes": (0, 100000),
    "max_detections": (0, 100000),
}
_CHOICES = {"augmentation": AUGMENTATION_NAMES, "optimizer": OPTIMIZER_NAMES}
_FLOATS = ("learning_rate", "warmup_learning_rate")


def parse_parameters(text: str) -> TrainingParameters:
    """The parameters from a JSON object; '' is an empty one.

    Raises:
        ConfigError: No JSON object, an unknown key, a wrong type or a value out of range; every problem is in
            the one error.
    """
    try:
        content = json.loads(text) if text.strip() else {}
    except ValueError as error:
        raise ConfigError(
            "The training parameters are not JSON.",
            found=error,
            expected='{"num_steps": 2000, "batch_size": 8}',
        ) from None
    if not isinstance(content, dict):
        raise ConfigError("The training parameters are not a JSON object.", found=type(content).__name__)
    return parameters_from(content)


def parameters_from(content: dict[str, Any]) -> TrainingParameters:
    """The parameters from plain values, checked as :func:`parse_parameters` says."""
    names = [entry.name for entry in fields(TrainingParameters)]
    problems = []
    for key, value in content.items():
        problem = _unknown(key, names) if key not in names else _wrong(key, value)
        if problem:
            problems.append(f"{key}: {problem}")
    if problems:
        raise ConfigError(
            "The training parameters are not usable:\n" + "\n".join(f"  {line}" for line in problems),
            expected="keys among " + ", ".join(names),
        )
    checked: dict[str, Any] = {
        key: float(value) if key in _FLOATS else value for key, value in content.items()
    }
    return TrainingParameters(**checked)


def _unknown(key: str, names: list[str]) -> str:
    near = difflib.get_close_matches(key, names, n=1)
    return "unknown parameter" + (f"; perhaps {near[0]}" if near else "")


def _wrong(key: str, value: Any) -> str:
    if key == "num_steps" and value is None:
        return ""
    if key == "overrides":
        is_paths = isinstance(value, dict) and all(isinstance(path, str) for path in value)
        return "" if is_paths else f"found {value!r}; expected values by field path"
    if key in _CHOICES:
        choices = ", ".join(repr(choice) for choice in _CHOICES[key])
        return "" if value in _CHOICES[key] else f"found {value!r}; expected one of {choices}"
    low, high = _LIMITS[key]
    kind = "a number" if key in _FLOATS else "a whole number"
    expected = f"{kind} from {low:g} to {high:.10g}"
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or (key not in _FLOATS and not isinstance(value, int)):
        return f"found {value!r}; expected {expected}"
    return "" if low <= value <= high else f"found {value!r}; expected {expected}"
