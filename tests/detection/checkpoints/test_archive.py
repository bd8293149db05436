"""Finding checkpoints, and archives that mean harm."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from detection.checkpoints import extraction
from detection.checkpoints.archive import resolve_checkpoint
from detection.errors import CheckpointError

MakeMember = Callable[[], tuple[tarfile.TarInfo, bytes]]
ZOO = {
    "ssd_model/pipeline.config": b"model {}",
    "ssd_model/checkpoint/checkpoint": b'model_checkpoint_path: "ckpt-0"',
    "ssd_model/checkpoint/ckpt-0.index": b"index",
    "ssd_model/checkpoint/ckpt-0.data-00000-of-00001": b"data",
    "ssd_model/saved_model/saved_model.pb": b"graph",
    "ssd_model/saved_model/variables/variables.index": b"other",
    "ssd_model/saved_model/variables/variables.data-00000-of-00001": b"other",
}


def write_archive(path: Path, *members: tuple[tarfile.TarInfo, bytes], kind: str = "gz") -> Path:
    with tarfile.open(path, f"w:{kind}") as tar:
        for info, data in members:
            info.size = info.size or len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def file(name: str, data: bytes = b"x") -> tuple[tarfile.TarInfo, bytes]:
    return tarfile.TarInfo(name), data


def zoo_members() -> list[tuple[tarfile.TarInfo, bytes]]:
    return [file(name, data) for name, data in ZOO.items()]


def special(kind: bytes, name: str = "ckpt-0.index", target: str = "/etc/passwd") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def write_checkpoint(folder: Path, name: str = "ckpt-0", parts: int = 1) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.index").write_bytes(b"index")
    for part in range(parts):
        (folder / f"{name}.data-{part:05}-of-{parts:05}").write_bytes(b"data")
    return folder / name


@pytest.mark.parametrize(("suffix", "kind"), [(".tar.gz", "gz"), (".tgz", "gz"), (".tar.xz", "xz")])
def test_zoo_archive(tmp_path: Path, suffix: str, kind: str) -> None:
    archive = write_archive(tmp_path / f"model{suffix}", *zoo_members(), kind=kind)
    prefix = resolve_checkpoint(str(archive), tmp_path / "work")
    assert prefix.endswith("ssd_model/checkpoint/ckpt-0")
    assert Path(f"{prefix}.index").read_bytes() == b"index"
    written = {path.name for path in (tmp_path / "work").rglob("*") if path.is_file()}
    assert written == {"checkpoint", "ckpt-0.index", "ckpt-0.data-00000-of-00001", "pipeline.config"}


def test_the_same_archive_is_unpacked_once(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "model.tar.gz", *zoo_members())
    first = resolve_checkpoint(str(archive), tmp_path / "work")
    before = Path(f"{first}.index").stat().st_mtime_ns
    assert resolve_checkpoint(f"file://{archive}", tmp_path / "work") == first
    assert Path(f"{first}.index").stat().st_mtime_ns == before
    write_archive(archive, *zoo_members()[:-2], file("ssd_model/README"))
    assert resolve_checkpoint(str(archive), tmp_path / "work") != first


HOSTILE: dict[str, tuple[str, MakeMember]] = {
    "parent": ("leave", lambda: file("../ckpt-0.index")),
    "parent inside": ("leave", lambda: file("a/../../ckpt-0.index")),
    "absolute": ("leave", lambda: file("/tmp/ckpt-0.index")),
    "backslash": ("leave", lambda: file("..\\ckpt-0.index")),
    "symbolic link": ("link", lambda: (special(tarfile.SYMTYPE), b"")),
    "link to a folder": ("link", lambda: (special(tarfile.SYMTYPE, "checkpoint", "/tmp"), b"")),
    "hard link": ("link", lambda: (special(tarfile.LNKTYPE), b"")),
    "character device": ("neither", lambda: (special(tarfile.CHRTYPE), b"")),
    "block device": ("neither", lambda: (special(tarfile.BLKTYPE), b"")),
    "fifo": ("neither", lambda: (special(tarfile.FIFOTYPE), b"")),
    "twice": ("twice", lambda: file("ssd_model/checkpoint/ckpt-0.index", b"other")),
    "twice in other words": ("twice", lambda: file("ssd_model/./checkpoint//ckpt-0.index", b"other")),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("kind", ["gz", "xz"])
def test_hostile_members_are_refused(tmp_path: Path, name: str, kind: str) -> None:
    reason, make = HOSTILE[name]
    info, data = make()
    archive = write_archive(tmp_path / f"model.tar.{kind}", *zoo_members(), (info, data), kind=kind)
    with pytest.raises(CheckpointError, match=reason) as raised:
        resolve_checkpoint(str(archive), tmp_path / "work")
    assert raised.value.details["file"] == str(archive)
    assert info.name.replace("\\", "\\\\") in raised.value.details["field"]
    assert list((tmp_path / "work").iterdir()) == []
    assert {path.name for path in tmp_path.iterdir()} == {"work", archive.name}


def test_huge_member_is_refused_by_its_header(tmp_path: Path) -> None:
    info = tarfile.TarInfo("ckpt-0.index")
    info.size = 2**40
    archive = tmp_path / "model.tar.gz"
    archive.write_bytes(gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + b"\0" * 1024))
    with pytest.raises(CheckpointError, match="size is 1099511627776"):
        resolve_checkpoint(str(archive), tmp_path / "work")


def test_many_members_and_a_large_total_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = write_archive(tmp_path / "model.tar.gz", *zoo_members())
    monkeypatch.setattr(extraction, "_MOST_MEMBERS", 3)
    with pytest.raises(CheckpointError, match="more than an archive may hold"):
        resolve_checkpoint(str(archive), tmp_path / "work")
    monkeypatch.setattr(extraction, "_MOST_MEMBERS", 100)
    monkeypatch.setattr(extraction, "_LARGEST_TOTAL_BYTES", 10)
    with pytest.raises(CheckpointError, match="more than an archive may hold"):
        resolve_checkpoint(str(archive), tmp_path / "work")


def test_inflated_header_is_refused(tmp_path: Path) -> None:
    """A pax header is read into memory whole, so its size must be limited as well."""
    info = tarfile.TarInfo("pax")
    info.type, info.size = tarfile.XHDTYPE, 2**30
    archive = tmp_path / "model.tar.gz"
    archive.write_bytes(gzip.compress(info.tobuf(tarfile.USTAR_FORMAT) + b"\0" * 4096))
    with pytest.raises(CheckpointError, match="header that is too large"):
        resolve_checkpoint(str(archive), tmp_path / "work")


@pytest.mark.parametrize("kind", ["gz", "xz"])
def test_cut_archives_are_refused_and_leave_nothing(tmp_path: Path, kind: str) -> None:
    whole = write_archive(tmp_path / f"model.tar.{kind}", *zoo_members(), kind=kind)
    data = whole.read_bytes()
    for length in (8, len(data) // 3, len(data) // 2, len(data) - 20):
        whole.write_bytes(data[:length])
        with pytest.raises(CheckpointError, match="damaged"):
            resolve_checkpoint(str(whole), tmp_path / "work")
        assert list((tmp_path / "work").iterdir()) == []


@pytest.mark.parametrize("kind", ["gz", "xz"])
def test_flipped_bits_are_noticed(tmp_path: Path, kind: str) -> None:
    whole = write_archive(tmp_path / f"model.tar.{kind}", *zoo_members(), kind=kind)
    data = bytearray(whole.read_bytes())
    data[len(data) // 2] ^= 0x10
    whole.write_bytes(data)
    with pytest.raises(CheckpointError):
        resolve_checkpoint(str(whole), tmp_path / "work")


def test_long_tail_is_refused(tmp_path: Path) -> None:
    whole = write_archive(tmp_path / "model.tar.gz", *zoo_members())
    whole.write_bytes(whole.read_bytes() + gzip.compress(b"\0" * (80 * 2**20), 1))
    with pytest.raises(CheckpointError, match="too much follows"):
        resolve_checkpoint(str(whole), tmp_path / "work")


def test_xz_that_asks_for_much_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extraction, "_LARGEST_XZ_MEMORY_BYTES", 2**20)
    whole = write_archive(tmp_path / "model.tar.xz", *zoo_members(), kind="xz")
    with pytest.raises(CheckpointError, match=r"[Mm]emory usage limit"):
        resolve_checkpoint(str(whole), tmp_path / "work")


def test_other_bytes_under_the_name_of_an_archive(tmp_path: Path) -> None:
    archive = tmp_path / "model.tar.gz"
    archive.write_bytes(b"<html>not found</html>")
    with pytest.raises(CheckpointError, match="kind that is not supported"):
        resolve_checkpoint(str(archive), tmp_path / "work")


def test_missing_archive(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="cannot be read"):
        resolve_checkpoint(str(tmp_path / "none.tar.gz"), tmp_path / "work")


def test_prefix_index_and_folders(tmp_path: Path) -> None:
    prefix = str(write_checkpoint(tmp_path / "zoo" / "checkpoint"))
    write_checkpoint(tmp_path / "zoo" / "saved_model" / "variables", "variables")
    for source in (prefix, f"{prefix}.index", str(tmp_path / "zoo"), str(tmp_path / "zoo" / "checkpoint")):
        assert resolve_checkpoint(source, tmp_path) == prefix


def test_several_parts(tmp_path: Path) -> None:
    prefix = write_checkpoint(tmp_path, parts=3)
    assert resolve_checkpoint(str(tmp_path), tmp_path) == str(prefix)
    (tmp_path / "ckpt-0.data-00001-of-00003").unlink()
    with pytest.raises(CheckpointError, match="incomplete"):
        resolve_checkpoint(str(tmp_path), tmp_path)


def test_index_without_data(tmp_path: Path) -> None:
    (tmp_path / "ckpt-0.index").write_bytes(b"index")
    with pytest.raises(CheckpointError, match="incomplete"):
        resolve_checkpoint(str(tmp_path / "ckpt-0"), tmp_path)


def test_of_several_checkpoints_the_state_file_chooses_then_the_number(tmp_path: Path) -> None:
    for number in (2, 9, 10):
        write_checkpoint(tmp_path, f"ckpt-{number}")
    assert resolve_checkpoint(str(tmp_path), tmp_path).endswith("ckpt-10")
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "/somewhere/else/ckpt-9"\n')
    assert resolve_checkpoint(str(tmp_path), tmp_path) == str(tmp_path / "ckpt-9")


def test_several_folders_are_refused(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "a")
    write_checkpoint(tmp_path / "b")
    with pytest.raises(CheckpointError, match="several"):
        resolve_checkpoint(str(tmp_path), tmp_path)


@pytest.mark.parametrize("source", ["", "none/ckpt-0", "none"])
def test_no_checkpoint(tmp_path: Path, source: str) -> None:
    with pytest.raises(CheckpointError):
        resolve_checkpoint(source and str(tmp_path / source), tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match="no checkpoint here"):
        resolve_checkpoint(str(tmp_path / "empty"), tmp_path)


@pytest.mark.parametrize(
    "source", ["https://x/m.tar.gz", "http://x/m.tar.gz", "s3://b/m.tar.gz", "gs://b/ckpt-0"]
)
def test_remote_sources_are_refused_by_name(tmp_path: Path, source: str) -> None:
    with pytest.raises(CheckpointError) as raised:
        resolve_checkpoint(source, tmp_path)
    assert raised.value.details["found"] == source.split("//")[0] + "//"
