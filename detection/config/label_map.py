"""Label maps: which class id has which name (OD_API_SPEC section 9.4)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from google.protobuf.message import DecodeError

from detection.config import pipeline_pb2 as pb
from detection.config.reading import parse_message
from detection.errors import ConfigError

BACKGROUND = "background"
# The tag byte of ``id`` in the binary form; text never holds this control character.
_BINARY_MARK = b"\x10"


@dataclass(frozen=True)
class LabelMapItem:
    """One class.

    Attributes:
        id: 1 or more; 0 only for an item named ``background``.
        name: What ``image/object/class/text`` holds; may be '' where there is a display name.
        display_name: What people read; '' where the map has none.
    """

    id: int
    name: str
    display_name: str = ""

    @property
    def shown_name(self) -> str:
        """The display name, or the name where there is none."""
        return self.display_name or self.name


@dataclass(frozen=True)
class LabelMap:
    """The classes of a label map, in the order of their ids; ids may have gaps."""

    items: tuple[LabelMapItem, ...]

    @cached_property
    def name_by_id(self) -> dict[int, str]:
        """The name to show for each class id, background left out."""
        return {item.id: item.shown_name for item in self.items if item.id > 0}

    @cached_property
    def id_by_text(self) -> dict[str, int]:
        """The class id for each text that an example may name a class by: its name or its display name."""
        texts = {item.display_name: item.id for item in self.items if item.display_name}
        texts.update({item.name: item.id for item in self.items if item.name})
        return texts

    @property
    def ids(self) -> tuple[int, ...]:
        """The class ids in rising order, background left out."""
        return tuple(self.name_by_id)

    @property
    def max_id(self) -> int:
        """The largest class id. A model needs at least that many classes: it one-hot encodes ``id - 1``."""
        return max(self.name_by_id)


def load_label_map(path: str | Path) -> LabelMap:
    """Reads a label map file, text or binary.

    Raises:
        ConfigError: The file is missing, or :func:`parse_label_map` refuses it.
    """
    file = Path(path)
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        raise ConfigError("The label map does not exist.", file=file, mend="check the path") from None
    except OSError as error:
        raise ConfigError("The label map cannot be read.", file=file, found=error.strerror or error) from None
    return parse_label_map(data, str(file))


def parse_label_map(data: bytes, source: str = "<bytes>") -> LabelMap:
    """Parses a label map, text or binary.

    Args:
        data: The content of the file.
        source: What error messages call it.

    Raises:
        ConfigError: Bad syntax, no classes, a bad or doubled id, a doubled or missing name.
    """
    message = pb.StringIntLabelMap()
    if _BINARY_MARK in data:
        try:
            message.ParseFromString(data)
        except DecodeError:
            raise ConfigError("The label map is neither text nor a binary label map.", file=source) from None
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise ConfigError("The label map is not UTF-8 text.", file=source) from None
        parse_message(text, message, source)
    items = [LabelMapItem(item.id, item.name, item.display_name) for item in message.item]
    return checked_label_map(items, source)


def checked_label_map(items: list[LabelMapItem], source: str = "<items>") -> LabelMap:
    """A label map of ``items``, sorted by id.

    Raises:
        ConfigError: As :func:`parse_label_map`; every problem is in the one error.
    """
    problems: list[str] = []
    owner_by_text: dict[str, int] = {}
    seen_ids: set[int] = set()
    for item in items:
        problems += _item_problems(item)
        if item.id in seen_ids:
            problems.append(f"id {item.id} stands twice")
        seen_ids.add(item.id)
        for text in dict.fromkeys(text for text in (item.name, item.display_name) if text):
            # An example names its class by either text, so one text must not mean two classes.
            if text in owner_by_text:
                problems.append(f"the name {text!r} stands for id {owner_by_text[text]} and for id {item.id}")
            owner_by_text[text] = item.id
    if not any(item.id > 0 for item in items):
        problems.append("it has no class with an id of 1 or more")
    if problems:
        raise ConfigError(
            "The label map is not usable.",
            file=source,
            found="; ".join(problems),
            expected="items such as: item { id: 1 name: 'vehicle' }, each id and name once",
        )
    return LabelMap(tuple(sorted(items, key=lambda item: item.id)))


def _item_problems(item: LabelMapItem) -> list[str]:
    problems = []
    if not item.name and not item.display_name:
        problems.append(f"the item with id {item.id} has no name")
    if item.id < 0:
        problems.append(f"{item.shown_name!r} has id {item.id}, which is negative")
    if item.id == 0 and item.name != BACKGROUND:
        problems.append(f"{item.shown_name!r} has id 0 (or none), which only {BACKGROUND!r} may have")
    return problems
