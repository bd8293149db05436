"""Where the report gets the images from that it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from components.coco_eval.coco_arrays import EvalImage


class ImageSource(Protocol):
    """Finds encoded images; what is missing in the answer could not be found."""

    def load(self, images: Sequence[EvalImage]) -> Mapping[int, bytes]:
        """JPEG or PNG bytes by image id."""


class NoImages:
    """For two COCO files alone: there is nothing to show."""

    def load(self, images: Sequence[EvalImage]) -> Mapping[int, bytes]:
        """Nothing."""
        return {}


class FolderImages:
    """Images of a COCO file, by their ``file_name`` within a folder.

    Args:
        folder: The folder; a name that leads out of it is not followed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def load(self, images: Sequence[EvalImage]) -> Mapping[int, bytes]:
        """The files that exist."""
        found = {}
        for image in images:
            path = (self._folder / image.file_name).resolve()
            if image.file_name and path.is_relative_to(self._folder) and path.is_file():
                found[image.id] = path.read_bytes()
        return found


class RecordImages:
    """Images of TFRecord shards, by their place in the eval split.

    Args:
        files: The local shards, in the order in which the detector read them.
    """

    def __init__(self, files: Sequence[str]) -> None:
        self._files = list(files)

    def load(self, images: Sequence[EvalImage]) -> Mapping[int, bytes]:
        """``image/encoded`` of the records; the shards are read up to the last that is wanted."""
        import tensorflow as tf

        wanted = {image.record_index: image.id for image in images if image.record_index is not None}
        found: dict[int, bytes] = {}
        if not wanted:
            return found
        records = tf.data.TFRecordDataset(self._files).take(max(wanted) + 1)
        for index, record in enumerate(records.as_numpy_iterator()):
            if index in wanted:
                features = tf.train.Example.FromString(record).features.feature
                encoded = features["image/encoded"].bytes_list.value
                if encoded:
                    found[wanted[index]] = encoded[0]
        return found
