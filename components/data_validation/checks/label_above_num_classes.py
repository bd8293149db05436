"""Class ids fit the model: it one-hot encodes ``id - 1``, so a larger id silently trains as background."""

from __future__ import annotations

from collections.abc import Iterator

from components.data_validation.checks.context import CheckContext
from components.data_validation.findings import Fault, PlacedFault
from components.data_validation.record_view import LABEL, RecordView


def check(record: RecordView, context: CheckContext) -> Iterator[Fault]:
    """One fault per box with an id above ``num_classes``."""
    for index, class_id in enumerate(record.labels.tolist()):
        if class_id > context.num_classes:
            yield _fault(f"{LABEL}[{index}]", class_id, context, context.num_classes)


def check_label_map(context: CheckContext) -> Iterator[PlacedFault]:
    """One fault per class of the label map with an id above ``num_classes``."""
    for class_id in sorted(context.texts_by_id):
        if class_id > context.num_classes:
            yield PlacedFault(_fault("num_classes", class_id, context, context.num_classes))


def _fault(field: str, class_id: int, context: CheckContext, num_classes: int) -> Fault:
    needed = max([class_id, *context.texts_by_id])
    return Fault(
        field=field,
        found=f"id {context.class_name(class_id)}, which is above num_classes: {num_classes}",
        expected=f"ids from 1 to {num_classes} (num_classes: {num_classes})",
        mend=f"num_classes: {needed}, or renumber the ids to 1..{num_classes} in the label map and the data"
        if len(context.texts_by_id) <= num_classes
        else f"num_classes: {needed}, or fewer classes in the label map and the data",
    )
