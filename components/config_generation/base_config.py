"""Finds the config that a run starts from: a shipped base, a file or URI, or the text itself."""

from __future__ import annotations

import difflib

from configs import CONFIGS_DIR
from detection.config import pipeline_pb2 as pb
from detection.config.reading import load_pipeline_config, parse_pipeline_config
from detection.errors import ConfigError
from storage import read_bytes, scheme_of

MODELS_DIR = CONFIGS_DIR / "models"


def base_names() -> list[str]:
    """The names of the bases that ship with the product."""
    return sorted(file.stem for file in MODELS_DIR.glob("*.config"))


def load_base(base: str) -> tuple[pb.TrainEvalPipelineConfig, str]:
    """Reads the base config and says where it stands.

    Args:
        base: A shipped base's name, the path or URI of a ``pipeline.config``, or its text.

    Returns:
        The config, and a short name of its place for people.

    Raises:
        ConfigError: No such base, or its text is not valid.
        StorageError: The file cannot be read.
    """
    if not base.strip():
        raise ConfigError("No base config is given.", field="base_config", expected=_expected())
    if "{" in base:
        return parse_pipeline_config(base, "the base config's text"), "the given text"
    if scheme_of(base) or "/" in base or base.endswith((".config", ".pbtxt")):
        try:
            text = read_bytes(base).decode("utf-8-sig")
        except UnicodeDecodeError:
            raise ConfigError("The base config is not UTF-8 text.", file=base) from None
        return parse_pipeline_config(text, base), base
    name = base.strip()
    if name not in base_names():
        near = difflib.get_close_matches(name, base_names(), n=1, cutoff=0.5)
        raise ConfigError(
            "There is no base config of this name.",
            field="base_config",
            found=base,
            expected=_expected(),
            mend=f"perhaps {near[0]}" if near else None,
        )
    return load_pipeline_config(MODELS_DIR / f"{name}.config"), name


def _expected() -> str:
    return "the path or URI of a pipeline.config, or one of " + ", ".join(base_names())
