from __future__ import annotations

import subprocess
import sys

import pytest

import storage
from storage import StorageConflict, StorageError, StoredFile, TreeToPublish


@pytest.fixture
def tree(tmp_path):
    source = tmp_path / "source"
    (source / "sub").mkdir(parents=True)
    (source / "a").write_bytes(b"aa")
    (source / "sub" / "b").write_bytes(b"bbb")
    files = {name: source / name for name in ("a", "sub/b")}
    stored = [
        StoredFile(name, path.stat().st_size, storage.sha256(str(path))) for name, path in files.items()
    ]
    return TreeToPublish(files, stored, "LAST", b"all")


def test_a_tree_appears_whole(tmp_path, tree):
    storage.publish_tree(str(tmp_path / "out" / "1"), tree)
    assert storage.list_tree(str(tmp_path / "out")) == ["1/LAST", "1/a", "1/sub/b"]
    assert storage.read_bytes(str(tmp_path / "out" / "1" / "sub" / "b")) == b"bbb"
    with pytest.raises(StorageConflict):
        storage.publish_tree(str(tmp_path / "out" / "1"), tree)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["1"]


def test_an_empty_folder_is_nothing(tmp_path, tree):
    (tmp_path / "out" / "1").mkdir(parents=True)
    storage.publish_tree(str(tmp_path / "out" / "1"), tree)
    assert storage.exists(str(tmp_path / "out" / "1" / "LAST"))


def test_a_changed_source_is_not_published(tmp_path, tree):
    tree.files["a"].write_bytes(b"ab")
    with pytest.raises(StorageError, match="another checksum"):
        storage.publish_tree(str(tmp_path / "out" / "1"), tree)
    assert list((tmp_path / "out").iterdir()) == []


_KILLED_WHILE_STAGING = """
import os, sys, signal
from pathlib import Path
import storage
from storage import folder_publishing
if sys.argv[2] == "kill":
    folder_publishing._verify = lambda *args: os.kill(os.getpid(), signal.SIGKILL)
else:
    def wait(*args):
        print("staged", flush=True)
        sys.stdin.readline()
    folder_publishing._verify = wait
source = Path(sys.argv[1]) / "source" / "a"
tree = storage.TreeToPublish({"a": source}, [storage.StoredFile("a", 2, "")], "LAST", b"")
storage.publish_tree(str(Path(sys.argv[1]) / "out" / "7"), tree)
"""


def test_what_a_killed_publisher_left_is_swept_and_never_listed(tmp_path, tree, project_root):
    command = [sys.executable, "-c", _KILLED_WHILE_STAGING, str(tmp_path), "kill"]
    assert subprocess.run(command, cwd=project_root).returncode == -9
    left = [path.name for path in (tmp_path / "out").iterdir()]
    assert len(left) == 1 and left[0].endswith(".staging")
    assert storage.list_tree(str(tmp_path / "out")) == []
    assert storage.list_uris(str(tmp_path / "out" / "**")) == []
    storage.publish_tree(str(tmp_path / "out" / "8"), tree)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["8"]


def test_a_living_publisher_is_not_swept(tmp_path, tree, project_root):
    command = [sys.executable, "-c", _KILLED_WHILE_STAGING, str(tmp_path), "wait"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=project_root, stdin=pipe, stdout=pipe, text=True) as other:
        assert other.stdout.readline() == "staged\n"
        storage.publish_tree(str(tmp_path / "out" / "8"), tree)
        other.communicate("go\n")
    assert other.returncode == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["7", "8"]
