"""Scans all shards, each once, over as many processes as there are cores."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from components.data_validation.shard_facts import ShardFacts
from components.data_validation.shard_scan import ScanSettings, scan_shard
from components.progress import Progress
from detection.errors import DataError
from storage import size

# Starting processes takes longer than reading this much.
_NOT_WORTH_PROCESSES = 32 << 20
_MEGABYTE = 1e6
_POLL_SECONDS = 0.5


def scan_shards(uris: Sequence[str], settings: ScanSettings, workers: int = 0) -> dict[str, ShardFacts]:
    """Reads every shard once.

    Args:
        uris: The shards, each once.
        settings: What each scan is told.
        workers: How many processes; 0 for one a core, and none for little data.

    Returns:
        The facts of each shard, in the order of ``uris``.

    Raises:
        StorageError: where a shard cannot be read.
        DataError: where a process was killed, as happens when the memory is full.
    """
    total = sum(size(uri) or 0 for uri in uris)
    meter = _Meter(total)
    if workers == 0 and total < _NOT_WORTH_PROCESSES:
        workers = 1
    workers = min(workers or len(os.sched_getaffinity(0)), len(uris))
    if workers <= 1:
        return {uri: scan_shard(uri, settings, meter.advance) for uri in uris}
    return _scan_in_processes(uris, settings, workers, meter)


class _Meter:
    """Turns bytes and images into progress reports, at most one every half second."""

    def __init__(self, total: int) -> None:
        self._progress = Progress("data_validation", max(1, round(total / _MEGABYTE)), "MB")
        self._started = self._told = time.monotonic()
        self._total = total
        self._bytes = self._images = 0

    def advance(self, size: int, images: int) -> None:
        """Adds what was read."""
        self.set(self._bytes + size, self._images + images)

    def set(self, size: int, images: int) -> None:
        """Says how much was read in all."""
        self._bytes, self._images = size, images
        now = time.monotonic()
        if now - self._told < _POLL_SECONDS and size < self._total:
            return
        self._told = now
        speed = images / max(now - self._started, 1e-3)
        self._progress.report(round(size / _MEGABYTE), images=images, images_per_second=speed)


def _scan_in_processes(
    uris: Sequence[str], settings: ScanSettings, workers: int, meter: _Meter
) -> dict[str, ShardFacts]:
    # forkserver: no copy of our threads and memory, and no TensorFlow in the workers.
    context = multiprocessing.get_context("forkserver")
    read_bytes, read_images = context.Value("q", 0), context.Value("q", 0)
    with ProcessPoolExecutor(
        workers, mp_context=context, initializer=_start_worker, initargs=(read_bytes, read_images)
    ) as pool:
        futures = {uri: pool.submit(_scan_in_worker, uri, settings) for uri in uris}
        try:
            _follow(list(futures.values()), lambda: meter.set(read_bytes.value, read_images.value))
            return {uri: future.result() for uri, future in futures.items()}
        except BrokenProcessPool:
            raise _killed(futures) from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _follow(futures: list[Future[ShardFacts]], tell: Callable[[], None]) -> None:
    waiting = set(futures)
    while waiting:
        done, waiting = wait(waiting, timeout=_POLL_SECONDS)
        tell()
        for future in done:
            future.result()  # the first failure ends it all


def _killed(futures: dict[str, Future[ShardFacts]]) -> DataError:
    unread = [uri for uri, future in futures.items() if not future.done() or future.exception()]
    return DataError(
        "a process that reads the shards was killed",
        file=unread[0] if unread else None,
        found="most often the memory was full",
        mend="give the step more memory, or lower image_pixel_limit.max_pixels in the policy",
    )


_counters: tuple[Any, Any] | None = None


def _start_worker(read_bytes: Any, read_images: Any) -> None:
    global _counters
    _counters = (read_bytes, read_images)
    # A killed parent leaves nobody behind.
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _advance(size: int, images: int) -> None:
    assert _counters is not None
    for counter, count in zip(_counters, (size, images), strict=True):
        with counter.get_lock():
            counter.value += count


def _scan_in_worker(uri: str, settings: ScanSettings) -> ShardFacts:
    return scan_shard(uri, settings, _advance)
