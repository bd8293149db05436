"""SIGTERM and SIGINT turned into a wish that the training loop grants between two steps."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Interruption:
    """While entered, a first SIGTERM or SIGINT sets ``requested``; a second SIGINT stops at once.

    Outside the main thread Python allows no signal handlers; there only ``request`` sets the wish.
    """

    def __init__(self) -> None:
        self._wanted: str | None = None
        self._previous: dict[int, Any] = {}

    @property
    def requested(self) -> bool:
        """Whether the work should stop as soon as it can be continued later."""
        return self._wanted is not None

    @property
    def reason(self) -> str:
        """What asked for it, such as ``SIGTERM``; '' while nothing did."""
        return self._wanted or ""

    def request(self, reason: str) -> None:
        """Asks the loop to stop after the current step."""
        self._wanted = reason

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous.clear()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        if number == signal.SIGINT and self._wanted == name:
            raise KeyboardInterrupt
        self._wanted = name
