"""From the class texts and labels of a record to label-map ids (OD_API_SPEC section 9.1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import tensorflow as tf

if TYPE_CHECKING:
    from detection.config.label_map import LabelMap

UNKNOWN_LABEL = -1


def label_resolver(label_map: LabelMap | None) -> Callable[[Any, Any], Any]:
    """Makes the function that resolves the labels of one record.

    Args:
        label_map: The label map, or None to take ``class/label`` as it is.

    Returns:
        A function of ``(texts [N] string, labels [M] int64)`` that gives ids, int64. Where there are texts
        (and a label map), each is looked up by ``name`` and by ``display_name`` and the larger id is taken,
        -1 where it is neither; the labels are then ignored. Without texts the labels are taken as they are.
    """
    if label_map is None:
        return lambda texts, labels: labels
    table = _table(_ids_by_text(label_map))

    def resolve(texts: Any, labels: Any) -> Any:
        return tf.cond(tf.size(texts) > 0, lambda: table.lookup(texts), lambda: labels)

    return resolve


def _ids_by_text(label_map: LabelMap) -> dict[str, int]:
    ids: dict[str, int] = {}
    for item in label_map.items:
        for text in (item.name, item.display_name):
            if text:
                ids[text] = max(item.id, ids.get(text, UNKNOWN_LABEL))
    return ids


def _table(ids: dict[str, int]) -> tf.lookup.StaticHashTable:
    initializer = tf.lookup.KeyValueTensorInitializer(
        tf.constant(list(ids), tf.string), tf.constant(list(ids.values()), tf.int64)
    )
    return tf.lookup.StaticHashTable(initializer, default_value=UNKNOWN_LABEL)
