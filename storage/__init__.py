"""One way to read and publish files, wherever they are: local paths and ``file://``, object stores to come.

Writes are atomic everywhere; ``create_bytes`` and ``replace_bytes`` are the conditional ones that publishing
is built on. Errors are ``StorageError`` with the place, what was found and the mend.
"""

from storage.backend import StoredFile, TreeToPublish
from storage.errors import StorageConflict, StorageError, StorageNotFound
from storage.locations import has_glob, join, name_of, scheme_of
from storage.operations import (
    create_bytes,
    delete,
    exists,
    list_tree,
    list_uris,
    local_path,
    open_read,
    publish_tree,
    read_bytes,
    read_versioned,
    replace_bytes,
    sha256,
    size,
    upload_file,
    upload_tree,
    write_bytes,
)

__all__ = [
    "StorageConflict",
    "StorageError",
    "StorageNotFound",
    "StoredFile",
    "TreeToPublish",
    "create_bytes",
    "delete",
    "exists",
    "has_glob",
    "join",
    "list_tree",
    "list_uris",
    "local_path",
    "name_of",
    "open_read",
    "publish_tree",
    "read_bytes",
    "read_versioned",
    "replace_bytes",
    "scheme_of",
    "sha256",
    "size",
    "upload_file",
    "upload_tree",
    "write_bytes",
]
