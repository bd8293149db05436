"""JSON files that are either complete or not there: read with a clear error, written atomically."""

from __future__ import annotations

import contextlib
import gc
import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from detection.errors import DataError


def read_json(path: Path) -> Any:
    """Reads a JSON file.

    Raises:
        DataError: Where it is missing or is not JSON, with the line and column.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise DataError("the file cannot be read", file=path, found=error.strerror) from None
    try:
        with _no_garbage_collection():
            return json.loads(text)
    except UnicodeDecodeError:
        raise DataError("the file is not JSON text", file=path, expected="UTF-8 JSON") from None
    except RecursionError:
        raise DataError("the JSON is nested too deeply", file=path) from None
    except json.JSONDecodeError as error:
        raise DataError(
            "the file is not valid JSON",
            file=path,
            found=f"{error.msg} at line {error.lineno}, column {error.colno}",
            mend="write the file again; it may have been cut off",
        ) from None


@contextlib.contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Parsing makes many objects and no garbage; looking through them again and again takes long."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def write_json(path: Path, value: Any) -> None:
    """Writes ``value`` atomically. NaN and infinity are refused (ValueError): they are not JSON."""
    with AtomicTextFile(path) as stream:
        stream.write(json.dumps(value, indent=1, allow_nan=False))


class AtomicTextFile:
    """A text file that takes its name only when it was written to the end without an error.

    Used as a context manager. Until then the text stands in a hidden neighbour, which is removed on an error.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._partial = path.with_name(f".{path.name}.{os.getpid()}.partial")

    def __enter__(self) -> AtomicTextFile:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._stream = self._partial.open("w", encoding="utf-8")
        return self

    def write(self, text: str) -> None:
        """Appends ``text``."""
        self._stream.write(text)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._stream.flush()
                os.fsync(self._stream.fileno())
        finally:
            self._stream.close()
            if kind is not None:
                self._partial.unlink(missing_ok=True)
        if kind is None:
            self._partial.replace(self._path)


class JsonArrayFile:
    """One JSON array, written element by element, each on its own line; atomic like ``AtomicTextFile``."""

    def __init__(self, path: Path) -> None:
        self._file = AtomicTextFile(path)
        self._separator = "[\n"
        self.count = 0

    def __enter__(self) -> JsonArrayFile:
        self._file.__enter__()
        return self

    def append_encoded(self, elements: list[str]) -> None:
        """Appends elements that are JSON text already."""
        if elements:
            self._file.write(self._separator + ",\n".join(elements))
            self._separator = ",\n"
            self.count += len(elements)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._file.write("\n]\n" if self.count else "[]\n")
        self._file.__exit__(kind, error, trace)
