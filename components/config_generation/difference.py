"""What config generation changed and why, as Markdown for people."""

from __future__ import annotations

import re
from collections.abc import Iterable, MutableSequence

from google.protobuf.message import Message

from components.config_generation.generate import GeneratedConfig
from detection.config.support_rules import shown

_LONGEST_LIST = 3
_INDEX = re.compile(r"\[\d+\]")


def flattened(message: Message, prefix: str = "") -> dict[str, str]:
    """Every set field below ``message``: full path to value as text; a list of plain values is one entry."""
    leaves: dict[str, str] = {}
    for field, content in message.ListFields():
        path = f"{prefix}{field.name}"
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            leaves[path] = ", ".join(f"{key}: {content[key]}" for key in sorted(content))
        elif isinstance(content, MutableSequence) and field.message_type is not None:
            for index, element in enumerate(content):
                leaves.update(_below(element, f"{path}[{index}]"))
        elif isinstance(content, MutableSequence):
            leaves[path] = _listed([_plain(field, value) for value in content])
        elif isinstance(content, Message):
            leaves.update(_below(content, path))
        else:
            leaves[path] = _plain(field, content)
    return leaves


def _below(message: Message, path: str) -> dict[str, str]:
    return flattened(message, path + ".") or {path: "(empty)"}


def _plain(field: object, value: object) -> str:
    enum = getattr(field, "enum_type", None)
    if enum is not None:
        return str(enum.values_by_number[value].name)
    return shown(value)


def _listed(values: list[str]) -> str:
    if len(values) <= _LONGEST_LIST:
        return ", ".join(values)
    return f"{values[0]} to {values[-1]} ({len(values)} values)"


def changed_fields(generated: GeneratedConfig) -> list[tuple[str, str, str, str]]:
    """The changed fields: full path, value before, value now and the reason; '' where nothing is set."""
    before, now = flattened(generated.base), flattened(generated.config)
    paths = list(now) + [path for path in before if path not in now]
    return [
        (path, before.get(path, ""), now.get(path, ""), reason_for(path, generated.reasons))
        for path in paths
        if before.get(path) != now.get(path)
    ]


def reason_for(path: str, reasons: dict[str, str]) -> str:
    """The reason that was noted for ``path`` or for what it stands in; '' where there is none."""
    while path:
        for candidate in (path, _INDEX.sub("", path)):
            if candidate in reasons:
                return reasons[candidate]
        path = path.rpartition(".")[0]
    return ""


def difference_markdown(generated: GeneratedConfig, base_name: str, passes: float) -> str:
    """The whole report.

    Args:
        generated: What was generated.
        base_name: What people call the base config.
        passes: How often training sees each image.
    """
    ssd = generated.config.model.ssd
    train = generated.config.train_config
    lines = [
        "# What config generation made",
        "",
        f"Base: `{base_name}` ({ssd.feature_extractor.type}). "
        f"{train.num_steps} steps of {train.batch_size} images: each image is seen {passes:.1f} times.",
        "",
    ]
    if generated.warnings:
        lines += ["## Warnings", "", *(f"- {_cell(text)}" for text in generated.warnings), ""]
    lines += ["## What changed, and why", "", *_table(changed_fields(generated)), ""]
    kept = [(path, reason) for path, reason in generated.reasons.items() if _is_kept(generated, path)]
    if kept:
        lines += ["## Looked at, and left as it was", ""]
        lines += [f"- `{path}`: {_cell(reason)}" for path, reason in kept]
        lines.append("")
    if generated.notes:
        lines += ["## Without effect", "", *(f"- {_cell(text)}" for text in generated.notes), ""]
    return "\n".join(lines)


def _is_kept(generated: GeneratedConfig, path: str) -> bool:
    before, now = flattened(generated.base), flattened(generated.config)
    return path in before and before[path] == now.get(path)


def _table(rows: Iterable[tuple[str, str, str, str]]) -> list[str]:
    lines = ["| field | base | now | why |", "|---|---|---|---|"]
    for path, before, now, why in rows:
        lines.append(f"| `{path}` | {_cell(before) or '-'} | {_cell(now) or '-'} | {_cell(why)} |")
    return lines


def _cell(text: str) -> str:
    """Text that cannot break out of a Markdown table, nor bring HTML along."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")
    return " ".join(escaped.split())
