"""What a check may know besides the record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from components.data_validation.findings import Fault
from components.data_validation.policy import Checks
from components.data_validation.record_view import RecordView


@dataclass(frozen=True)
class CheckContext:
    """The same for all records of a run.

    Attributes:
        limits: The policy's checks with their limits.
        texts_by_id: The names that ``image/object/class/text`` may give each class: the one to show first.
        num_classes: The classes that the model has.
    """

    limits: Checks
    texts_by_id: dict[int, tuple[str, ...]]
    num_classes: int

    def class_name(self, class_id: int) -> str:
        """The id with its name, for a message: ``4 (cyclist)``."""
        texts = self.texts_by_id.get(class_id)
        return f"{class_id} ({texts[0]})" if texts else str(class_id)

    @property
    def known_classes(self) -> str:
        """All classes, for a message."""
        return ", ".join(self.class_name(class_id) for class_id in sorted(self.texts_by_id))


RecordCheck = Callable[[RecordView, CheckContext], Iterator[Fault]]
