"""How places are named: plain paths and URIs (``file://``, ``s3://``, ``gs://``).

Nothing in a URI is percent-encoded, as in the tools of the object stores: ``file:///data/a b`` is the path
``/data/a b``.
"""

from __future__ import annotations

import posixpath
import re

from storage.errors import StorageError

_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+)://")
_NOT_HIDDEN = r"(?!\.)"
_GLOB_CHARACTERS = re.compile(r"[*?\[]")


def scheme_of(uri: str) -> str:
    """The scheme of ``uri`` in lower case; ``''`` for a plain path."""
    found = _SCHEME.match(uri)
    return found.group(1).lower() if found else ""


def join(base: str, *parts: str) -> str:
    """``base`` and ``parts`` with one slash between each; the scheme of ``base`` is kept.

    Raises:
        StorageError: where a part could leave ``base`` (absolute, ``..``, or with a scheme of its own).
    """
    joined = base
    for part in parts:
        if scheme_of(part) or part.startswith("/") or ".." in part.split("/"):
            raise StorageError(
                "a name may not leave its folder", uri=base, found=part, expected="a relative name"
            )
        if part:
            joined = joined + part if joined.endswith("/") or not joined else f"{joined}/{part}"
    return joined


def name_of(uri: str) -> str:
    """The last part of ``uri``."""
    return posixpath.basename(uri.rstrip("/"))


def has_glob(uri: str) -> bool:
    """Whether ``uri`` is a pattern (``*``, ``?`` or ``[``)."""
    return _GLOB_CHARACTERS.search(uri) is not None


def fixed_folder(pattern: str) -> str:
    """``pattern`` up to its first component with a glob character: ends in ``/`` or is empty."""
    found = _GLOB_CHARACTERS.search(pattern)
    fixed = pattern[: found.start()] if found else pattern
    return fixed[: fixed.rfind("/") + 1]


def compile_glob(pattern: str) -> re.Pattern[str]:
    """A regular expression for a whole path: ``*`` and ``?`` stay within a component, ``**`` crosses them.

    ``**/`` also matches no component at all, as in the shell's globstar, and no wildcard matches the dot of a
    hidden name.
    """
    out: list[str] = []
    at = 0
    while at < len(pattern):
        if pattern[at] in "*?[" and (at == 0 or pattern[at - 1] == "/"):
            out.append(_NOT_HIDDEN)
        if pattern.startswith("**/", at):
            out.append(f"(?:[^/]+/(?:{_NOT_HIDDEN}))*")
            at += 3
        elif pattern.startswith("**", at):
            out.append(f"(?:[^/]|/(?:{_NOT_HIDDEN}))*")
            at += 2
        else:
            piece, at = _translate_one(pattern, at)
            out.append(piece)
    return re.compile("".join(out), re.DOTALL)


def _translate_one(pattern: str, at: int) -> tuple[str, int]:
    character = pattern[at]
    if character == "*":
        return "[^/]*", at + 1
    if character == "?":
        return "[^/]", at + 1
    if character == "[":
        # A "]" right after the opening (or its "!") is a member of the class, as in fnmatch.
        end = pattern.find("]", at + (3 if pattern.startswith("[!", at) else 2))
        if end > 0:
            members = pattern[at + 1 : end].replace("\\", "\\\\").replace("[", "\\[")
            members = "^" + members[1:] if members.startswith("!") else members.replace("^", "\\^", 1)
            members = members.replace("]", "\\]")
            return f"(?!/)[{members}]", end + 1
    return re.escape(character), at + 1
