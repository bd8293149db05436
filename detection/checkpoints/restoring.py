"""From a checkpoint file into a network, all that is asked for or an error (OD_API_SPEC section 8.6)."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from detection.checkpoints.object_graph import CheckpointFile, StoredVariable
from detection.errors import CheckpointError, ConfigError
from detection.network.network import SsdNetwork

_SHOWN_DIFFERENCES = 5
_CHECKPOINT_TYPES = ("detection", "classification", "full")


@dataclass(frozen=True)
class RestoreReport:
    """What became of every variable.

    Attributes:
        restored: Names of the network's variables that took a value from the file.
        initialised: Names of the network's variables that keep their fresh start.
        left_over: Names of the file's variables that were not used, without optimizer state and counters.
    """

    restored: tuple[str, ...]
    initialised: tuple[str, ...]
    left_over: tuple[str, ...]


@dataclass(frozen=True)
class _Match:
    variable: tf.Variable
    name: str
    stored: StoredVariable


def restore_for_fine_tuning(network: SsdNetwork, prefix: str, checkpoint_type: str) -> RestoreReport:
    """Warm-starts a network.

    Args:
        network: Its variables are overwritten, all that the type covers or, on an error, none.
        prefix: The checkpoint, as ``resolve_checkpoint`` gives it.
        checkpoint_type: ``detection`` restores the whole feature extractor and nothing of the box predictor;
            ``classification`` the backbone, from a file with the root child ``feature_extractor``;
            ``full`` everything.

    Raises:
        ConfigError: Any other type.
        CheckpointError: The file is broken, of another kind, or of another architecture.
    """
    if checkpoint_type not in _CHECKPOINT_TYPES:
        raise ConfigError(
            "This kind of warm start is not supported.",
            field="train_config.fine_tune_checkpoint_type",
            found=checkpoint_type or "nothing",
            expected=" or ".join(_CHECKPOINT_TYPES),
        )
    checkpoint = CheckpointFile(prefix)
    extractor = network._feature_extractor
    if checkpoint_type == "classification":
        _require_child(checkpoint, ("feature_extractor",), checkpoint_type)
        return _restore(network, extractor.classification_backbone, checkpoint, ("feature_extractor",))
    if checkpoint_type == "detection":
        _require_child(checkpoint, ("model", "_feature_extractor"), checkpoint_type)
        return _restore(network, extractor, checkpoint, ("model", "_feature_extractor"))
    _require_child(checkpoint, ("model",), checkpoint_type)
    return _restore(network, network, checkpoint, ("model",))


def restore_model(network: SsdNetwork, prefix: str) -> RestoreReport:
    """Restores every variable of a network, for evaluation and export.

    Raises:
        CheckpointError: The file is broken, or its model and the network differ in any variable.
    """
    checkpoint = CheckpointFile(prefix)
    _require_child(checkpoint, ("model",), "full")
    matches = _matches(network, checkpoint, ("model",))
    left_over = _left_over(checkpoint, matches)
    if left_over:
        raise CheckpointError(
            f"The checkpoint's model has {len(left_over)} variables that this network has not.",
            file=prefix,
            found=", ".join(left_over[:_SHOWN_DIFFERENCES]),
            mend="use the pipeline.config that belongs to the checkpoint",
        )
    return _assign(network, checkpoint, matches)


def object_paths(root: tf.Module) -> dict[tuple[str, ...], tf.Variable]:
    """Each variable below an object by its shortest path of attribute names."""
    view = tf.train.TrackableView(root)
    paths: dict[tuple[str, ...], tf.Variable] = {}
    waiting: deque[tuple[tuple[str, ...], object]] = deque([((), root)])
    seen = {id(root)}
    while waiting:
        path, node = waiting.popleft()
        if isinstance(node, tf.Variable):
            paths[path] = node
            continue
        for name, child in view.children(node).items():
            if id(child) not in seen:
                seen.add(id(child))
                waiting.append(((*path, name), child))
    return paths


def _restore(
    network: SsdNetwork, part: tf.Module, checkpoint: CheckpointFile, place: tuple[str, ...]
) -> RestoreReport:
    return _assign(network, checkpoint, _matches(part, checkpoint, place))


def _matches(part: tf.Module, checkpoint: CheckpointFile, place: tuple[str, ...]) -> list[_Match]:
    matches, missing, misshapen = [], [], []
    for path, variable in object_paths(part).items():
        name = variable_name(variable)
        stored = _find(checkpoint, (*place, *path), name)
        if stored is None:
            missing.append(name)
        elif stored.shape != tuple(variable.shape) or stored.dtype != variable.dtype.name:
            misshapen.append(
                f"{name}: {stored.dtype} {list(stored.shape)} in the file, "
                f"{variable.dtype.name} {list(variable.shape)} in the network"
            )
        else:
            matches.append(_Match(variable, name, stored))
    if missing or misshapen:
        raise _differs(checkpoint.prefix, len(matches), missing, misshapen)
    return matches


def _find(checkpoint: CheckpointFile, path: tuple[str, ...], name: str) -> StoredVariable | None:
    at_path = checkpoint.find(path)
    if at_path is not None and at_path.name in ("", name):
        return at_path
    # The name outweighs the path: the numbers in layer_with_weights-N depend on the order in which the
    # writer enumerated its layers, and a shortcut's kernel has the same shape as its neighbour's.
    named = checkpoint.find_by_name(name)
    same_place = named is not None and named.key.split("/")[0] == path[0]
    return named if same_place else at_path


def _assign(network: SsdNetwork, checkpoint: CheckpointFile, matches: Sequence[_Match]) -> RestoreReport:
    # All values are read and checked before the first is assigned.
    values = [checkpoint.read(match.stored) for match in matches]
    for match, value in zip(matches, values, strict=True):
        if not np.isfinite(value).all():
            raise CheckpointError(
                "The checkpoint holds values that are not finite.", file=checkpoint.prefix, field=match.name
            )
    for match, value in zip(matches, values, strict=True):
        match.variable.assign(value)
    restored = {match.name for match in matches}
    names = [variable_name(variable) for variable in network.variables]
    return RestoreReport(
        restored=tuple(name for name in names if name in restored),
        initialised=tuple(name for name in names if name not in restored),
        left_over=_left_over(checkpoint, matches),
    )


def _left_over(checkpoint: CheckpointFile, matches: Sequence[_Match]) -> tuple[str, ...]:
    used = {match.stored.key for match in matches}
    return tuple(
        stored.label
        for stored in checkpoint.variables()
        if stored.key not in used and not stored.is_bookkeeping
    )


def variable_name(variable: tf.Variable) -> str:
    """A variable's OD API name."""
    return variable.name.split(":")[0]


def _require_child(checkpoint: CheckpointFile, place: tuple[str, ...], checkpoint_type: str) -> None:
    if checkpoint.has_child(*place):
        return
    if checkpoint.has_child("feature_extractor"):
        found = "a classification backbone (feature_extractor)"
        mend = "set the type to classification, or take the archive of a detection model"
    elif checkpoint.has_child("model"):
        found = "a detection model (model)"
        mend = "set the type to detection, or take a classification checkpoint"
    else:
        found = "neither a detection model nor a classification backbone"
        mend = "take the model's archive from the TensorFlow 2 detection model zoo"
    raise CheckpointError(
        f"The checkpoint does not fit the type {checkpoint_type!r}.",
        file=checkpoint.prefix,
        field="train_config.fine_tune_checkpoint_type",
        found=found,
        expected=f"an object {'/'.join(place)} in the checkpoint",
        mend=mend,
    )


def _differs(prefix: str, matched: int, missing: Sequence[str], misshapen: Sequence[str]) -> CheckpointError:
    lines = [*misshapen, *(f"{name}: not in the file" for name in missing)]
    more = len(lines) - _SHOWN_DIFFERENCES
    shown = lines[:_SHOWN_DIFFERENCES] + ([f"and {more} more"] if more > 0 else [])
    only_class_head = not missing and all("ClassPredictor" in line for line in misshapen)
    return CheckpointError(
        "The checkpoint is of another architecture than the network.",
        file=prefix,
        found="; ".join(shown),
        expected=f"all {matched + len(lines)} variables; {matched} fit",
        mend=(
            "the number of classes differs: set fine_tune_checkpoint_type to detection"
            if only_class_head
            else "use the checkpoint of the model that the pipeline.config describes"
        ),
    )
