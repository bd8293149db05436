"""Moves the champion's pointer by compare-and-swap: of two pushes at once, none overwrites the other."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime

from components.model_push.publishing import PushedVersion
from components.model_push.registry import (
    SCHEMA_VERSION,
    Champion,
    champion_uri,
    read_champion_versioned,
)
from storage import StorageConflict, StorageError, replace_bytes

_TRIES = 20


def promote_if_newer(pushed: PushedVersion, registry_uri: str, model: str, run_uri: str = "") -> Champion:
    """Points the champion at ``pushed``, unless it points there or at a newer version already.

    A step that is run again long after its run (a retry) must not turn the champion back; going back is
    deliberate, and another command.

    Returns:
        The champion as it now stands.
    """
    for _ in range(_TRIES):
        versioned = read_champion_versioned(registry_uri, model)
        champion, token = versioned if versioned else (None, None)
        if champion is not None and champion.version >= pushed.version:
            return champion
        moved = Champion(
            schema_version=SCHEMA_VERSION,
            model=model,
            version=pushed.version,
            digest=pushed.digest,
            previous=champion.version if champion else None,
            promoted=datetime.now(UTC).isoformat(timespec="seconds"),
            run_uri=run_uri,
        )
        data = (json.dumps(asdict(moved), indent=2) + "\n").encode()
        try:
            replace_bytes(champion_uri(registry_uri, model), data, if_match=token)
        except StorageConflict:
            continue  # another push moved it: look again
        return moved
    raise StorageError(
        f"the champion of {model} moved {_TRIES} times meanwhile",
        uri=champion_uri(registry_uri, model),
        mend="run it again",
        transient=True,
    )
