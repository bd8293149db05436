"""Whatever fails, whenever it is killed, whoever else pushes: a reader sees whole versions only."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from components.model_push import registry
from components.model_push.step import push_model
from storage import StorageError

MODEL = "street"
# Everything that writes goes through one of these.
SYSTEM_CALLS = ("fsync", "rename", "replace", "link", "mkdir")


def push(candidate):
    return push_model(candidate.exported, candidate.evaluation, candidate.verdict, candidate.registry, MODEL)


def check_reader(location: str, allowed: list[list[int]]) -> None:
    """What every reader relies on."""
    versions = registry.list_versions(location, MODEL)
    assert versions in allowed
    for version in versions:
        registry.verify(location, MODEL, version)
    champion = registry.read_champion(location, MODEL)
    if champion is not None:
        assert registry.load_manifest(location, MODEL, champion.version).digest == champion.digest
    # TensorFlow Serving takes any folder with a number for a version, manifest or not.
    model = Path(location, MODEL)
    numbers = (
        sorted(int(path.name) for path in model.iterdir() if path.name.isdigit()) if model.is_dir() else []
    )
    assert numbers == versions


class Failing:
    """Lets the n-th writing system call fail, as a full disk does."""

    def __init__(self, monkeypatch, at: int) -> None:
        self.calls, self._at = 0, at
        for name in SYSTEM_CALLS:
            monkeypatch.setattr(os, name, self._wrap(getattr(os, name)))

    def _wrap(self, call):
        def wrapped(*args, **kwargs):
            self.calls += 1
            if self.calls == self._at:
                raise OSError(errno.ENOSPC, "No space left on device")
            return call(*args, **kwargs)

        return wrapped


def test_every_failing_write_leaves_the_registry_whole(make_candidate, monkeypatch, tmp_path):
    old, new = make_candidate(b"old"), make_candidate(b"new")
    failures = 0
    for at in range(1, 200):
        old.registry = new.registry = str(tmp_path / f"registry-{at}")
        push(old)
        with monkeypatch.context() as patch:
            failing = Failing(patch, at)
            try:
                push(new)
                failed = False
            except StorageError as error:
                assert "disk is full" in str(error)
                failed = True
        check_reader(old.registry, [[1], [1, 2]])
        assert not [path for path in Path(old.registry, MODEL).iterdir() if path.name.startswith(".")]
        failures += failed
        if failing.calls < at:
            break  # nothing was left to fail
    else:
        raise AssertionError("the push never ran to its end")
    assert failures >= 12
    assert registry.read_champion(old.registry, MODEL).version == 2


_KILLED = f"""
import os, signal, sys
from pathlib import Path
from components.model_push.step import push_model
calls = 0
def wrap(call):
    def wrapped(*args, **kwargs):
        global calls
        calls += 1
        if calls == int(sys.argv[1]):
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*args, **kwargs)
    return wrapped
for name in {SYSTEM_CALLS!r}:
    setattr(os, name, wrap(getattr(os, name)))
exported, evaluation, verdict, registry = sys.argv[2:]
push_model(Path(exported), Path(evaluation), Path(verdict), registry, "{MODEL}")
"""


def _arguments(candidate) -> list[str]:
    return [str(candidate.exported), str(candidate.evaluation), str(candidate.verdict), candidate.registry]


def test_a_killed_push_is_never_seen_and_the_next_one_ends_well(make_candidate, project_root):
    old, new = make_candidate(b"old"), make_candidate(b"new")
    push(old)
    killed = 0
    for at in (1, 2, 5, 9, 12, 15, 18, 20, 22, 24, 28):
        command = [sys.executable, "-c", _KILLED, str(at), *_arguments(new)]
        done = subprocess.run(command, cwd=project_root, capture_output=True)
        assert done.returncode in (0, -signal.SIGKILL), done.stderr
        killed += done.returncode != 0
        check_reader(old.registry, [[1], [1, 2]])
        if done.returncode == 0:
            break
    assert killed >= 5
    result = push(new)
    assert result.pushed.version == 2 and result.champion.version == 2
    check_reader(old.registry, [[1, 2]])
    leftovers = [path.name for path in Path(old.registry, MODEL).iterdir() if path.name.endswith(".staging")]
    assert leftovers == []


def test_a_push_that_was_killed_before_the_pointer_moved_is_finished_by_the_next(candidate):
    push(candidate)
    Path(candidate.registry, MODEL, "champion.json").unlink()
    again = push(candidate)
    assert not again.pushed.created and again.champion.version == 1


_PUSH = f"""
import sys
from pathlib import Path
from components.model_push.step import push_model
exported, evaluation, verdict, registry = sys.argv[1:]
sys.stdin.readline()
print(push_model(Path(exported), Path(evaluation), Path(verdict), registry, "{MODEL}").pushed.version)
"""


@pytest.mark.parametrize("same", [False, True])
def test_racing_pushes(make_candidate, project_root, same):
    candidates = [make_candidate(b"same" if same else b"model%d" % number) for number in range(4)]
    pipe = subprocess.PIPE
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _PUSH, *_arguments(candidate)],
            cwd=project_root,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            text=True,
        )
        for candidate in candidates
    ]
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    results = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, results
    versions = sorted(int(out.split()[-1]) for out, _ in results)
    assert versions == ([1, 1, 1, 1] if same else [1, 2, 3, 4])
    check_reader(candidates[0].registry, [[1] if same else [1, 2, 3, 4]])
    champion = registry.read_champion(candidates[0].registry, MODEL)
    assert champion.version == versions[-1]
