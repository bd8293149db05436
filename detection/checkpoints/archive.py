"""From what a user calls a checkpoint to the prefix that TensorFlow wants."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from detection.checkpoints.extraction import ARCHIVE_SUFFIXES, extract_checkpoint
from detection.errors import CheckpointError

_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*)://")
_NUMBERED = re.compile(r"-(\d+)$")
_STATE_PATH = re.compile(r'^model_checkpoint_path:\s*"([^"]*)"', re.MULTILINE)
_INDEX = ".index"


def resolve_checkpoint(source: str, workdir: Path) -> str:
    """Finds a checkpoint, unpacking it first where it is in an archive.

    Args:
        source: A prefix (``.../ckpt-0``), a folder with one (also a zoo model's, with ``checkpoint/ckpt-0``),
            or a ``.tar.gz`` or ``.tar.xz`` of such a folder; a path or a ``file://`` URI.
        workdir: Where archives are unpacked, each into a folder named by its content; made if needed.

    Returns:
        The checkpoint's prefix.

    Raises:
        CheckpointError: There is no checkpoint, there are several, it is incomplete, its archive is refused
            (see ``extract_checkpoint``), or the URI is of a kind that is not supported.
    """
    path = _local_path(source)
    if path.name.endswith(ARCHIVE_SUFFIXES) and not path.is_dir():
        return _prefix_in_folder(_unpacked(path, workdir), source)
    if path.is_dir():
        return _prefix_in_folder(path, source)
    prefix = path.with_suffix("") if path.suffix == _INDEX else path
    if not _index_of(prefix).is_file():
        raise CheckpointError(
            "There is no such checkpoint.",
            file=source,
            expected=f"a prefix, a folder with a checkpoint, or an archive ({', '.join(ARCHIVE_SUFFIXES)})",
        )
    return _complete(prefix)


def _local_path(source: str) -> Path:
    scheme = _SCHEME.match(source)
    if scheme is None:
        if not source:
            raise CheckpointError("No checkpoint is given.", expected="a path or a file:// URI")
        return Path(source)
    if scheme.group(1).lower() != "file":
        raise CheckpointError(
            "Checkpoints of this kind of URI cannot be fetched yet.",
            file=source,
            found=f"{scheme.group(1)}://",
            expected="a path or a file:// URI",
            mend="download the archive and give its path",
        )
    return Path(unquote(urlsplit(source).path))


def _unpacked(archive: Path, workdir: Path) -> Path:
    try:
        with archive.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        workdir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CheckpointError("The archive cannot be read.", file=archive, found=error) from error
    folder = workdir / f"checkpoint-{digest[:16]}"
    if not folder.is_dir():
        extract_checkpoint(archive, folder)
    return folder


def _prefix_in_folder(folder: Path, source: str) -> str:
    """The one checkpoint in or below a folder; of several in one, that of its state file or the last."""
    # A SavedModel's variables have an index as well, but no model that we could restore.
    indices = [
        path for path in folder.rglob(f"*{_INDEX}") if path.is_file() and path.parent.name != "variables"
    ]
    folders = {path.parent for path in indices}
    # A folder's own checkpoints go before those of folders inside it; in a zoo model that is "checkpoint".
    for preferred in (folder, folder / "checkpoint"):
        if preferred in folders:
            folders = {preferred}
    if len(folders) != 1:
        names = sorted(str(path.relative_to(folder)) for path in indices)
        raise CheckpointError(
            "There is no checkpoint here." if not folders else "There are several checkpoints here.",
            file=source,
            found=", ".join(names[:5]) or "no .index file",
            expected="one checkpoint, or its prefix",
        )
    (home,) = folders
    return _complete(_latest([path.with_suffix("") for path in indices if path.parent == home], home))


def _latest(prefixes: list[Path], home: Path) -> Path:
    state = home / "checkpoint"
    named = _STATE_PATH.search(state.read_text(errors="replace")) if state.is_file() else None
    # Only the last part of the recorded path counts: folders move, and a stranger's file may name any place.
    by_name = {prefix.name: prefix for prefix in prefixes}
    if named is not None and Path(named.group(1)).name in by_name:
        return by_name[Path(named.group(1)).name]

    def number(prefix: Path) -> tuple[int, str]:
        found = _NUMBERED.search(prefix.name)
        return (int(found.group(1)) if found else -1, prefix.name)

    return max(prefixes, key=number)


def _index_of(prefix: Path) -> Path:
    return prefix.with_name(prefix.name + _INDEX)


def _complete(prefix: Path) -> str:
    shards = list(prefix.parent.glob(f"{_escaped(prefix.name)}.data-*-of-*"))
    counts = {path.name.rsplit("-of-", 1)[1] for path in shards}
    if len(counts) != 1 or not counts.copy().pop().isdigit() or len(shards) != int(counts.pop()):
        raise CheckpointError(
            "The checkpoint is incomplete.",
            file=prefix,
            found=", ".join(sorted(path.name for path in shards)) or "no data file",
            expected=f"{prefix.name}.data-00000-of-00001 (or all parts of several)",
        )
    return str(prefix)


def _escaped(name: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", name)
