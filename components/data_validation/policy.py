"""The validation policy: how severe each check is, and its limits."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from components.data_validation.findings import Severity
from configs import CONFIGS_DIR
from detection.errors import ConfigError
from storage import read_bytes

POLICIES_DIR = CONFIGS_DIR / "validation"
DEFAULT_POLICY = "default"


class CheckPolicy(BaseModel):
    """The severity of one check; checks with limits add them. ``name: warn`` is short for only a severity."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    severity: Severity

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        # YAML reads an unquoted `off` as the boolean False.
        if value is False:
            value = Severity.OFF.value
        if isinstance(value, str):
            return {"severity": value}
        if isinstance(value, dict) and value.get("severity") is False:
            return {**value, "severity": Severity.OFF.value}
        return value


class FramingPolicy(CheckPolicy):
    """``max_record_bytes``: no record may be longer."""

    max_record_bytes: int = Field(gt=0)


class RequiredFeaturesPolicy(CheckPolicy):
    """``features``: the names that every record must have a value of."""

    features: tuple[str, ...]


class PixelLimitPolicy(CheckPolicy):
    """``max_pixels``: larger images are not decoded."""

    max_pixels: int = Field(gt=0)


class BoxInsidePolicy(CheckPolicy):
    """``tolerance``: how far outside 0..1 a coordinate may be, as a fraction of the image's side."""

    tolerance: float = Field(ge=0, allow_inf_nan=False)


class BoxZeroAreaPolicy(CheckPolicy):
    """``min_side``: a box with a side at or below this fraction of the image's side has no area."""

    min_side: float = Field(ge=0, allow_inf_nan=False)


class BoxCountPolicy(CheckPolicy):
    """``max_boxes``: training keeps no more than that (``max_number_of_boxes``)."""

    max_boxes: int = Field(gt=0)


class Checks(BaseModel):
    """Every check by name; see ``configs/validation/default.yaml`` for what each is about."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    label_map: CheckPolicy
    label_above_num_classes: CheckPolicy
    framing: FramingPolicy
    example_parses: CheckPolicy
    feature_types: CheckPolicy
    required_features: RequiredFeaturesPolicy
    image_pixel_limit: PixelLimitPolicy
    image_decodes: CheckPolicy
    image_size: CheckPolicy
    image_format: CheckPolicy
    image_colour: CheckPolicy
    box_lengths: CheckPolicy
    box_finite: CheckPolicy
    box_inside: BoxInsidePolicy
    box_inverted: CheckPolicy
    box_zero_area: BoxZeroAreaPolicy
    box_duplicate: CheckPolicy
    box_count: BoxCountPolicy
    label_known: CheckPolicy
    label_text: CheckPolicy
    unlabelled_image: CheckPolicy
    split_empty: CheckPolicy
    shard_empty: CheckPolicy
    class_absent: CheckPolicy
    duplicate_in_split: CheckPolicy
    duplicate_across_splits: CheckPolicy


class Policy(BaseModel):
    """A whole policy.

    Attributes:
        findings_per_check: How many findings of one check are listed; all are counted.
        checks: Each check's severity and limits.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    findings_per_check: int = Field(gt=0)
    checks: Checks

    @property
    def severities(self) -> dict[str, Severity]:
        """Each check's severity by name."""
        return {name: getattr(self.checks, name).severity for name in Checks.model_fields}


def load_policy(name: str = "") -> Policy:
    """Reads a policy; what it leaves out is as in the default policy.

    Args:
        name: One in ``configs/validation`` ('' for the default), or a path or URI of a YAML file.

    Raises:
        ConfigError: where it is not there, or has an unknown key or a wrong value.
    """
    merged = _read(_location(DEFAULT_POLICY))
    if name not in ("", DEFAULT_POLICY):
        merged = _merge(merged, _read(_location(name)))
    try:
        return Policy.model_validate(merged)
    except ValidationError as error:
        raise _policy_error(error, name or DEFAULT_POLICY) from None


def _location(name: str) -> str:
    if "/" in name or name.endswith((".yaml", ".yml")):
        return name
    path = POLICIES_DIR / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in POLICIES_DIR.glob("*.yaml")))
        raise ConfigError(
            "there is no such validation policy",
            field="policy",
            found=name,
            expected=f"{known}, or a YAML file",
        )
    return str(path)


def _read(location: str) -> dict[str, Any]:
    try:
        value = yaml.safe_load(read_bytes(location))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError("the validation policy is not YAML", file=location, found=error) from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        expected = "keys such as `checks:`"
        raise ConfigError(
            "the validation policy is no mapping",
            file=location,
            found=type(value).__name__,
            expected=expected,
        )
    return value


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            merged[key] = _merge(old, value)
        elif isinstance(old, dict) and "severity" in old and isinstance(value, (str, bool)):
            merged[key] = {**old, "severity": value}  # the short form keeps the default limits
        else:
            merged[key] = value
    return merged


def _policy_error(error: ValidationError, name: str) -> ConfigError:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] != "extra_forbidden":
        return ConfigError(
            "the validation policy has a wrong value",
            file=name,
            field=where,
            found=first["input"],
            expected=first["msg"],
        )
    known = list(Checks.model_fields) if first["loc"][0] == "checks" else list(Policy.model_fields)
    near = difflib.get_close_matches(str(first["loc"][-1]), known, n=3) if len(first["loc"]) < 3 else []
    mend = f"did you mean {' or '.join(near)}?" if near else f"see {Path('configs/validation/default.yaml')}"
    return ConfigError("the validation policy has an unknown key", file=name, field=where, mend=mend)
