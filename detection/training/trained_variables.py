"""Which variables a run trains: all, less what ``freeze_variables`` names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from detection.errors import ConfigError


def select_trained_variables(variables: Sequence[Any], train_config: Any) -> list[Any]:
    """Applies ``update_trainable_variables`` (only these), then ``freeze_variables`` (not these).

    The OD API parses both on TensorFlow 2 and ignores them; here they work (DESIGN section 8). Each entry is
    a regular expression that must match from the start of the variable's name, as in TensorFlow 1.

    Args:
        variables: The network's trainable variables, in order.
        train_config: ``pb.TrainConfig``.

    Raises:
        ConfigError: An expression is invalid or matches nothing, or no variable is left.
    """
    chosen = list(variables)
    if train_config.update_trainable_variables:
        wanted = _matching(chosen, train_config.update_trainable_variables, "update_trainable_variables")
        chosen = [variable for variable, matched in zip(chosen, wanted, strict=True) if matched]
    if train_config.freeze_variables:
        frozen = _matching(chosen, train_config.freeze_variables, "freeze_variables")
        chosen = [variable for variable, matched in zip(chosen, frozen, strict=True) if not matched]
    if not chosen:
        raise ConfigError(
            "there is no variable left to train",
            field="train_config.freeze_variables",
            found=list(train_config.freeze_variables),
        )
    return chosen


def _matching(variables: Sequence[Any], patterns: Sequence[str], field: str) -> list[bool]:
    matched = [False] * len(variables)
    for pattern in patterns:
        try:
            expression = re.compile(pattern)
        except re.error as error:
            raise ConfigError(
                "not a regular expression", field=f"train_config.{field}", found=f"{pattern}: {error}"
            ) from None
        hits = [bool(expression.match(variable.name)) for variable in variables]
        if not any(hits):
            examples = ", ".join(variable.name.split(":")[0] for variable in variables[:3])
            raise ConfigError(
                "the expression matches no variable",
                field=f"train_config.{field}",
                found=pattern,
                expected=f"the start of a name such as {examples}",
            )
        matched = [a or b for a, b in zip(matched, hits, strict=True)]
    return matched
