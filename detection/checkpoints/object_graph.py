"""What a checkpoint file holds, found by object path or by variable name (OD_API_SPEC section 11).

The literal key of a value is the shortest object path at the time of saving, which need not be the path of
the same variable in our model. So the file's own object graph is walked instead.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import trackable_object_graph_pb2

from detection.errors import CheckpointError

_GRAPH_KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"
_ROOT_NODE = 0
# What TensorFlow's reader raises for damaged files, depending on where the damage is.
_READ_ERRORS = (tf.errors.OpError, RuntimeError, ValueError, IndexError, TypeError)


@dataclass(frozen=True)
class StoredVariable:
    """One variable of a checkpoint file.

    Attributes:
        key: Where the file has its value.
        name: The name it had when it was saved, such as ``Conv1/kernel``; empty where none was recorded.
        shape: Its shape.
        dtype: Its type, such as ``float32``.
    """

    key: str
    name: str
    shape: tuple[int, ...]
    dtype: str

    @property
    def is_bookkeeping(self) -> bool:
        """Whether it is an optimizer's or a saver's state rather than a model's."""
        root = self.key.split("/")[0]
        return ".OPTIMIZER_SLOT" in self.key or root in ("optimizer", "save_counter", "step")

    @property
    def label(self) -> str:
        """What to call it in a report."""
        return self.name or self.key


class CheckpointFile:
    """An object-based TensorFlow checkpoint.

    Args:
        prefix: Path before ``.index`` and ``.data-...``.

    Raises:
        CheckpointError: The file is missing, broken, or of TensorFlow 1's name-based kind.
    """

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self._reader = _open(prefix)
        shapes = self._reader.get_variable_to_shape_map()
        types = self._reader.get_variable_to_dtype_map()
        if _GRAPH_KEY not in shapes:
            raise CheckpointError(
                "The checkpoint has no object graph.",
                file=prefix,
                found="a name-based checkpoint of TensorFlow 1",
                expected="an object-based one, as TensorFlow 2 writes it",
                mend="take the model's archive from the TensorFlow 2 detection model zoo",
            )
        graph = self._object_graph()
        self._children = [
            {child.local_name: child.node_id for child in node.children} for node in graph.nodes
        ]
        self._variables: dict[int, StoredVariable] = {}
        for number, node in enumerate(graph.nodes):
            for attribute in node.attributes:
                if attribute.name == "VARIABLE_VALUE" and attribute.checkpoint_key in shapes:
                    key = attribute.checkpoint_key
                    self._variables[number] = StoredVariable(
                        key, attribute.full_name, tuple(shapes[key]), types[key].name
                    )
        self._by_name = _unambiguous(self._variables.values(), lambda name: name)
        self._by_scopeless_name = _unambiguous(self._variables.values(), _without_scope)

    def has_child(self, *path: str) -> bool:
        """Whether an object can be reached from the root along these attribute names."""
        return self._node(path) is not None

    def find(self, path: tuple[str, ...]) -> StoredVariable | None:
        """The variable at an object path from the root, or None."""
        node = self._node(path)
        return None if node is None else self._variables.get(node)

    def find_by_name(self, name: str) -> StoredVariable | None:
        """The only variable of a name, or None.

        The first part of a name is the class-derived name of the feature extractor, which may carry a
        number: where the whole name is unknown, it is left out of account.
        """
        return self._by_name.get(name) or self._by_scopeless_name.get(_without_scope(name))

    def variables(self) -> Iterator[StoredVariable]:
        """All variables of the file."""
        yield from self._variables.values()

    def read(self, variable: StoredVariable) -> np.ndarray:
        """The value of a variable.

        Raises:
            CheckpointError: The data is damaged.
        """
        return self._get(variable.key)

    def _object_graph(self) -> trackable_object_graph_pb2.TrackableObjectGraph:
        try:
            graph = trackable_object_graph_pb2.TrackableObjectGraph.FromString(self._get(_GRAPH_KEY))
        except (DecodeError, TypeError) as error:
            raise _broken(self.prefix, error) from error
        numbers = (child.node_id for node in graph.nodes for child in node.children)
        if not all(0 <= number < len(graph.nodes) for number in numbers):
            raise _broken(self.prefix, ValueError("the object graph points to objects that it has not"))
        return graph

    def _get(self, key: str) -> np.ndarray:
        try:
            return self._reader.get_tensor(key)
        except _READ_ERRORS as error:
            raise _broken(self.prefix, error) from error

    def _node(self, path: tuple[str, ...]) -> int | None:
        node: int | None = _ROOT_NODE if self._children else None
        for name in path:
            if node is None:
                return None
            node = self._children[node].get(name)
        return node


def _open(prefix: str) -> tf.train.CheckpointReader:
    if not Path(f"{prefix}.index").is_file():
        raise CheckpointError("There is no such checkpoint.", file=prefix, expected=f"a file {prefix}.index")
    try:
        return tf.train.load_checkpoint(prefix)
    except _READ_ERRORS as error:
        raise _broken(prefix, error) from error


def _broken(prefix: str, error: Exception) -> CheckpointError:
    return CheckpointError(
        "The checkpoint cannot be read.",
        file=prefix,
        found=str(error).splitlines()[0] if str(error) else type(error).__name__,
        mend="download or copy it again",
    )


def _without_scope(name: str) -> str:
    """A name without its first part: ``a/b/kernel`` to ``b/kernel``; empty where too little would be left."""
    parts = name.split("/")
    return "/".join(parts[1:]) if len(parts) > 2 else ""


def _unambiguous(variables, shorten) -> dict[str, StoredVariable]:  # type: ignore[no-untyped-def]
    groups: dict[str, list[StoredVariable]] = defaultdict(list)
    for variable in variables:
        if variable.name and not variable.is_bookkeeping:
            groups[shorten(variable.name)].append(variable)
    return {name: found[0] for name, found in groups.items() if name and len(found) == 1}
