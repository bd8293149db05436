"""From TensorFlow's errors while a dataset is read to one clear message."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

from detection.errors import DataError

_ASSERTION = re.compile(r"assertion failed: (\[.*?\])(?:\n|\s*\[\[|$)", re.DOTALL)
_PIECE = re.compile(r"\[([^\[\]]*(?:\[[^\[\]]*\][^\[\]]*)*)\]")
_DETAILS = re.compile(r"\s*\[(?:Op:|\[).*", re.DOTALL)


@contextmanager
def reading_errors() -> Iterator[None]:
    """Turns the errors that reading a dataset of this package can raise into ``DataError``.

    ``with reading_errors(): batch = next(iterator)``

    Only where data is read should stand within: ``InvalidArgumentError`` has other causes in other places.
    """
    try:
        yield
    except tf.errors.DataLossError as error:
        raise DataError(
            "A TFRecord file is corrupt (a checksum does not match).",
            found=_plain(error),
            mend="write or fetch the file again, or run data_validation, which names the record",
        ) from None
    except (tf.errors.InvalidArgumentError, tf.errors.NotFoundError) as error:
        raise DataError(
            "A record cannot be used.",
            found=_plain(error),
            mend="mend or drop the record; data_validation finds all of this kind",
        ) from None


def _plain(error: tf.errors.OpError) -> str:
    """The message without the names of graph nodes."""
    text = str(error.message)
    assertion = _ASSERTION.search(text)
    if assertion:
        return " ".join(piece.strip() for piece in _PIECE.findall(assertion.group(1)))
    return _DETAILS.sub("", re.sub(r"\{\{.*?\}\}\s*", "", text)).strip()
