"""Makes a bundle a version of the registry: whole or not at all, and once."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from components.model_push.bundle import Bundle
from components.model_push.registry import (
    MANIFEST_NAME,
    SCHEMA_VERSION,
    ModelManifest,
    PublishedFile,
    is_version,
    list_versions,
    load_manifest,
    model_uri,
    verify,
    version_uri,
)
from storage import StorageConflict, StorageError, TreeToPublish, list_tree, publish_tree

# Each try loses to another push that finished; so many in a row do not.
_TRIES = 20


@dataclass(frozen=True)
class PushedVersion:
    """A version of the registry, and whether this push made it (or it was there already)."""

    version: int
    uri: str
    digest: str
    created: bool


def publish_version(bundle: Bundle, registry_uri: str, model: str, run_uri: str = "") -> PushedVersion:
    """Publishes ``bundle`` as the next version; where a version has the same content, verifies that one.

    Pushes at the same time get versions of their own, the same bundle pushed twice at the same time one.

    Raises:
        StorageError: where it cannot be written; nothing of it can then be seen in the registry.
        ConfigError: where the version with the same content is spoilt.
    """
    for _ in range(_TRIES):
        existing = find_version(registry_uri, model, bundle.digest)
        if existing is not None:
            verify(registry_uri, model, existing)
            return PushedVersion(existing, version_uri(registry_uri, model, existing), bundle.digest, False)
        version = _next_version(registry_uri, model)
        uri = version_uri(registry_uri, model, version)
        data = _manifest_data(bundle, model, version, run_uri)
        try:
            publish_tree(uri, TreeToPublish(bundle.files, bundle.stored, MANIFEST_NAME, data))
        except StorageConflict:
            continue  # another push took this number
        verify(registry_uri, model, version)
        return PushedVersion(version, uri, bundle.digest, True)
    raise StorageError(
        f"{_TRIES} other pushes of {model} came first",
        uri=model_uri(registry_uri, model),
        mend="run it again",
        transient=True,
    )


def find_version(registry_uri: str, model: str, digest: str) -> int | None:
    """The newest version with this content."""
    for version in reversed(list_versions(registry_uri, model)):
        if load_manifest(registry_uri, model, version).digest == digest:
            return version
    return None


def _next_version(registry_uri: str, model: str) -> int:
    # Numbers of folders without a manifest (half-written by a plain copy, say) are taken as well.
    tops = {path.split("/", 1)[0] for path in list_tree(model_uri(registry_uri, model))}
    return max((int(top) for top in tops if is_version(top)), default=0) + 1


def _manifest_data(bundle: Bundle, model: str, version: int, run_uri: str) -> bytes:
    manifest = ModelManifest(
        schema_version=SCHEMA_VERSION,
        model=model,
        version=version,
        digest=bundle.digest,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        run_uri=run_uri,
        files={file.path: PublishedFile(file.bytes, file.sha256) for file in bundle.stored},
    )
    return (json.dumps(asdict(manifest), indent=2) + "\n").encode()
