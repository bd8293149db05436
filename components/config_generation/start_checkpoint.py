"""Finds the checkpoint that training starts from: a shipped one by its name, or the team's own by its place."""

from __future__ import annotations

from configs import CONFIGS_DIR
from detection.errors import ConfigError
from storage import scheme_of

CHECKPOINTS_DIR = CONFIGS_DIR / "checkpoints"
SUFFIX = ".tar.gz"


def checkpoint_names() -> list[str]:
    """The names of the checkpoints that ship with the product."""
    return sorted(file.name.removesuffix(SUFFIX) for file in CHECKPOINTS_DIR.glob(f"*{SUFFIX}"))


def find_start_checkpoint(checkpoint: str) -> str:
    """Where the checkpoint stands.

    Args:
        checkpoint: A shipped checkpoint's name, a path or URI, or '' to start from scratch.

    Raises:
        ConfigError: A plain name that no shipped checkpoint has.
    """
    if (
        not checkpoint
        or scheme_of(checkpoint)
        or "/" in checkpoint
        or checkpoint.endswith((".gz", ".xz", ".tgz"))
    ):
        return checkpoint
    if checkpoint not in checkpoint_names():
        raise ConfigError(
            "There is no checkpoint of this name.",
            field="fine_tune_checkpoint",
            found=checkpoint,
            expected=f"a path, or one of: {', '.join(checkpoint_names()) or 'none is shipped'}",
            mend="write a path with a slash in it (./name) for a checkpoint of your own",
        )
    return str(CHECKPOINTS_DIR / f"{checkpoint}{SUFFIX}")
