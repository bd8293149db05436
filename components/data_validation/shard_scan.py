"""Reads one shard once: its checksum, its records' checks, and what its statistics need."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from components.data_validation.checks.context import CheckContext
from components.data_validation.checks.registry import active_record_checks
from components.data_validation.findings import Fault, FindingCollector, Severity
from components.data_validation.framing import FramedRecord, read_records
from components.data_validation.record_view import RecordView
from components.data_validation.shard_facts import LARGE_AREA, SMALL_AREA, ShardFacts
from storage import StorageNotFound, open_read, size

_HASH_BYTES = 16
_REPORT_BYTES = 4 << 20


@dataclass(frozen=True)
class ScanSettings:
    """What every shard's scan is told.

    Attributes:
        context: What the checks may know.
        severities: The severity of each check by name.
        findings_per_check: How many findings of one check are kept.
        has_label_map: Whether class ids and texts can be judged.
    """

    context: CheckContext
    severities: dict[str, Severity]
    findings_per_check: int
    has_label_map: bool = True


def scan_shard(
    uri: str, settings: ScanSettings, advance: Callable[[int, int], None] = lambda size, images: None
) -> ShardFacts:
    """Reads the shard at ``uri`` once, as a stream.

    Args:
        uri: The TFRecord file.
        settings: See ``ScanSettings``.
        advance: Is told how many bytes and images were read since it was told last.

    Raises:
        StorageError: where the file cannot be read.
    """
    return _ShardScanner(uri, settings, advance).scan()


class _ShardScanner:
    def __init__(self, uri: str, settings: ScanSettings, advance: Callable[[int, int], None]) -> None:
        self._uri = uri
        self._settings = settings
        self._context = settings.context
        self._max_pixels = settings.context.limits.image_pixel_limit.max_pixels
        self._checks = active_record_checks(settings.severities, settings.has_label_map)
        self._collector = FindingCollector(settings.severities, settings.findings_per_check)
        self._advance = advance
        self._digest = hashlib.sha256()
        self._untold = [0, 0]
        self._result = ShardFacts(uri)
        self._hashes: list[bytes] = []
        self._hash_records: list[int] = []
        self._id_by_text = {
            text: class_id for class_id, texts in self._context.texts_by_id.items() for text in texts
        }

    def scan(self) -> ShardFacts:
        result = self._result
        length = size(self._uri)
        if length is None:
            raise StorageNotFound("the shard is gone", uri=self._uri)
        limit = self._context.limits.framing.max_record_bytes
        with open_read(self._uri) as stream:
            for framed in read_records(stream, length, limit, self._consume):
                self._take(framed)
        self._tell()
        result.bytes = length
        result.sha256 = self._digest.hexdigest()
        result.image_hashes = np.frombuffer(b"".join(self._hashes), np.uint64).reshape(-1, 2)
        result.image_records = np.array(self._hash_records, np.int64)
        result.findings, result.finding_counts = self._collector.findings, self._collector.counts
        return result

    def _consume(self, piece: bytes) -> None:
        self._digest.update(piece)
        self._untold[0] += len(piece)
        if self._untold[0] >= _REPORT_BYTES:
            self._tell()

    def _tell(self) -> None:
        self._advance(*self._untold)
        self._untold = [0, 0]

    def _take(self, framed: FramedRecord) -> None:
        if framed.data is None:
            assert framed.fault is not None
            self._collector.add("framing", framed.fault, self._uri, framed.index)
            return
        self._result.records += 1
        self._untold[1] += 1
        try:
            record = RecordView(framed.data, self._max_pixels)
        except ValueError as error:
            fault = Fault("record", str(error), "a serialized tf.train.Example", "write the record again")
            self._collector.add("example_parses", fault, self._uri, framed.index)
            return
        for name, check in self._checks:
            for fault in check(record, self._context):
                self._collector.add(name, fault, self._uri, framed.index)
        self._count(record, framed.index)

    def _count(self, record: RecordView, index: int) -> None:
        result, image = self._result, record.image
        if record.encoded_image:
            digest = hashlib.blake2b(record.encoded_image, digest_size=_HASH_BYTES).digest()
            self._hashes.append(digest)
            self._hash_records.append(index)
        if not image.decodes:
            return
        result.images += 1
        result.image_sizes[(image.width, image.height)] += 1
        result.image_formats[image.format] += 1
        boxes, classes = record.boxes_yxyx_normalized, self._class_ids(record)
        result.boxes_per_image[len(boxes)] += 1
        result.unlabelled += not len(boxes)
        if len(boxes) and len(classes) == len(boxes):
            self._count_boxes(boxes, classes, image.width * image.height)

    def _class_ids(self, record: RecordView) -> np.ndarray:
        if len(record.labels):
            return record.labels
        # -1, which is no class, for texts that the label map does not have.
        return np.array([self._id_by_text.get(text, -1) for text in record.texts], np.int64)

    def _count_boxes(self, boxes: np.ndarray, classes: np.ndarray, pixels: int) -> None:
        with np.errstate(invalid="ignore", over="ignore"):
            areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1, dtype=np.float64) * pixels
            sizes = (areas >= SMALL_AREA).astype(np.int64) + (areas >= LARGE_AREA)
        for class_id in np.unique(classes).tolist():
            of_class = classes == class_id
            self._result.boxes_by_class[class_id] += int(of_class.sum())
            self._result.images_by_class[class_id] += 1
            counts = self._result.box_areas.setdefault(class_id, [0, 0, 0])
            for which, count in enumerate(np.bincount(sizes[of_class], minlength=3).tolist()):
                counts[which] += count
