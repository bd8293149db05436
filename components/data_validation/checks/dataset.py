"""What the checks of the whole dataset look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from components.data_validation.checks.context import CheckContext
from components.data_validation.findings import PlacedFault
from components.data_validation.shard_facts import ShardFacts


@dataclass(frozen=True)
class SplitView:
    """One split as it was read.

    Attributes:
        name: ``train`` or ``eval``.
        pattern: The pattern that names its files.
        shards: Its files, in the order of their URIs.
    """

    name: str
    pattern: str
    shards: tuple[ShardFacts, ...]


DatasetCheck = Callable[[tuple[SplitView, ...], CheckContext], Iterator[PlacedFault]]
