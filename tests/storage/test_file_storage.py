from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import storage
from storage import StorageConflict, StorageError, StorageNotFound


@pytest.fixture(params=["", "file://"])
def base(request, tmp_path):
    return request.param + str(tmp_path / "new" / "folder")


def test_write_read_delete(base):
    uri = storage.join(base, "x.json")
    assert not storage.exists(uri)
    storage.write_bytes(uri, b"one")
    storage.write_bytes(uri, b"two")
    assert storage.read_bytes(uri) == b"two"
    assert storage.size(uri) == 3
    assert storage.delete(uri) and not storage.delete(uri)
    with pytest.raises(StorageNotFound) as caught:
        storage.read_bytes(uri)
    assert caught.value.details["uri"] == uri and caught.value.exit_code == 2


def test_create_only(base):
    uri = storage.join(base, "x")
    storage.create_bytes(uri, b"one")
    with pytest.raises(StorageConflict):
        storage.create_bytes(uri, b"two")
    with pytest.raises(StorageConflict):
        storage.replace_bytes(uri, b"two", None)
    assert storage.read_bytes(uri) == b"one"


def test_compare_and_swap(base):
    uri = storage.join(base, "x")
    token = storage.write_bytes(uri, b"A")
    assert storage.read_versioned(uri) == (b"A", token)
    second = storage.replace_bytes(uri, b"B", token)
    with pytest.raises(StorageConflict):
        storage.replace_bytes(uri, b"C", token)
    assert storage.read_versioned(uri) == (b"B", second)
    storage.write_bytes(uri, b"A")  # A again, but not the A that the first token saw
    with pytest.raises(StorageConflict):
        storage.replace_bytes(uri, b"C", token)
    storage.delete(uri)
    with pytest.raises(StorageConflict):
        storage.replace_bytes(uri, b"C", token)


def test_many_threads_create_one(tmp_path):
    uri, won = str(tmp_path / "x"), []

    def create(number: int) -> None:
        try:
            storage.create_bytes(uri, str(number).encode())
            won.append(number)
        except StorageConflict:
            pass

    threads = [threading.Thread(target=create, args=(number,)) for number in range(16)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(won) == 1 and storage.read_bytes(uri) == str(won[0]).encode()


_COUNT_UP = """
import sys, storage
uri = sys.argv[1]
for _ in range(40):
    while True:
        data, token = storage.read_versioned(uri)
        try:
            storage.replace_bytes(uri, str(int(data) + 1).encode(), token)
            break
        except storage.StorageConflict:
            pass
"""


def test_processes_count_without_losing_one(tmp_path, project_root):
    uri = str(tmp_path / "counter")
    storage.write_bytes(uri, b"0")
    commands = [[sys.executable, "-c", _COUNT_UP, uri]] * 3
    processes = [subprocess.Popen(command, cwd=project_root) for command in commands]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert storage.read_bytes(uri) == b"120"
    assert [path.name for path in tmp_path.iterdir()] == ["counter"]  # no locks, no parts


@pytest.mark.parametrize("failing", ["replace", "fsync", "open"])
def test_a_failed_write_leaves_the_old_content(tmp_path, monkeypatch, failing):
    uri = str(tmp_path / "x")
    storage.write_bytes(uri, b"old")

    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device")

    if failing == "open":
        monkeypatch.setattr(Path, "open", fail)
    else:
        monkeypatch.setattr(os, failing, fail)
    with pytest.raises(StorageError, match="disk is full"):
        storage.write_bytes(uri, b"new")
    monkeypatch.undo()
    assert storage.read_bytes(uri) == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_errors_say_what_and_where(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError, match="it is a folder"):
        storage.read_bytes(str(tmp_path / "folder"))
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError):
        storage.write_bytes(str(tmp_path / "file" / "below"), b"x")
    with pytest.raises(StorageError, match="three slashes"):
        storage.read_bytes("file://host/x")


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("s3://bucket/x", "not built yet"),
        ("gs://b/x", "not built yet"),
        ("ftp://x", "not supported"),
        ("", "no place"),
    ],
)
def test_other_places_are_refused_by_name(uri, says):
    for verb in (storage.read_bytes, storage.exists, storage.list_uris, storage.local_path):
        with pytest.raises(StorageError, match=says):
            verb(uri)


def test_transient_errors_ask_for_a_retry(tmp_path, monkeypatch):
    def fail(*args, **kwargs):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StorageError) as caught:
        storage.write_bytes(str(tmp_path / "x"), b"")
    assert caught.value.exit_code == 75


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, deadline=None)
@given(
    tree=st.dictionaries(st.from_regex(r"[a-z]{1,3}(/[a-z]{1,3}\.x)", fullmatch=True), st.binary(max_size=99))
)
def test_uploaded_trees_are_equal(tmp_path_factory, tree):
    source, target = tmp_path_factory.mktemp("from"), tmp_path_factory.mktemp("to")
    for name, data in tree.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(data)
    stored = storage.upload_tree(source, f"file://{target}")
    assert [file.path for file in stored] == sorted(tree) == storage.list_tree(str(target))
    for file in stored:
        assert storage.read_bytes(str(target / file.path)) == tree[file.path]
        assert file.sha256 == storage.sha256(str(target / file.path)) and file.bytes == len(tree[file.path])


def test_new_files_have_the_usual_permissions(tmp_path):
    storage.write_bytes(str(tmp_path / "x"), b"")
    (tmp_path / "y").write_bytes(b"")
    assert (tmp_path / "x").stat().st_mode == (tmp_path / "y").stat().st_mode


def test_reading_errors_of_the_caller_stay_the_callers(tmp_path):
    storage.write_bytes(str(tmp_path / "x"), b"")
    with pytest.raises(OSError, match="mine"), storage.open_read(str(tmp_path / "x")):
        raise OSError("mine")
