from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from components.model_push import registry
from components.model_push.step import GateRefusedError, push_model
from detection.errors import ConfigError, UserError
from storage import StorageError, list_tree

MODEL = "street"


def push(candidate, **more):
    return push_model(
        candidate.exported, candidate.evaluation, candidate.verdict, candidate.registry, MODEL, **more
    )


def test_layout_and_manifest(candidate):
    result = push(candidate, run_uri="runs/7")
    assert (result.pushed.version, result.pushed.created, result.promoted) == (1, True, True)
    files = list_tree(f"{candidate.registry}/{MODEL}")
    assert files == [
        "1/MANIFEST.json",
        "1/assets/label_map.pbtxt",
        "1/checkpoint/ckpt-0.data-00000-of-00001",
        "1/checkpoint/ckpt-0.index",
        "1/metrics.json",
        "1/pipeline.config",
        "1/saved_model.pb",
        "1/variables/variables.data-00000-of-00001",
        "1/variables/variables.index",
        "champion.json",
    ]
    manifest = registry.verify(candidate.registry, MODEL, 1)
    assert set(manifest.files) == {name[2:] for name in files[1:-1]}
    assert manifest.run_uri == "runs/7" and manifest.digest == result.pushed.digest
    champion = registry.read_champion(candidate.registry, MODEL)
    assert (champion.version, champion.previous, champion.digest) == (1, None, manifest.digest)
    assert registry.load_metrics(candidate.registry, MODEL, 1) == {"metrics": {"AP": 0.5}}


def test_the_same_bundle_is_one_version(candidate, make_candidate):
    first = push(candidate)
    pointer = Path(candidate.registry, MODEL, "champion.json").read_bytes()
    # Scored again, it has another speed: still the same model.
    (candidate.evaluation / "metrics.json").write_text('{"metrics": {"AP": 0.5}, "images_per_second": 9}')
    again = push(candidate)
    assert again.pushed.version == 1 and not again.pushed.created
    assert again.pushed.digest == first.pushed.digest
    assert registry.list_versions(candidate.registry, MODEL) == [1]
    assert Path(candidate.registry, MODEL, "champion.json").read_bytes() == pointer


def test_another_model_is_the_next_version_and_a_late_retry_does_not_turn_back(make_candidate):
    old, new = make_candidate(b"old"), make_candidate(b"new")
    push(old)
    result = push(new)
    assert (result.pushed.version, result.champion.version, result.champion.previous) == (2, 2, 1)
    retried = push(old)
    assert (retried.pushed.version, retried.champion.version, retried.promoted) == (1, 2, False)


def test_one_changed_byte_is_another_digest(make_candidate):
    assert push(make_candidate(b"a")).pushed.digest != push(make_candidate(b"b")).pushed.digest


@pytest.mark.parametrize(
    ("missing", "says"),
    [
        ("exported/saved_model/saved_model.pb", "not whole"),
        ("exported/pipeline.config", "not whole"),
        ("evaluation/metrics.json", "no metrics"),
    ],
)
def test_missing_parts_are_named(candidate, missing, says):
    path = candidate.exported.parent / missing
    path.unlink()
    with pytest.raises(ConfigError, match=says) as caught:
        push(candidate)
    assert caught.value.details["file"] == str(path)
    assert registry.list_versions(candidate.registry, MODEL) == []


def test_a_refusal_is_not_pushed(candidate):
    candidate.verdict.write_text('{"passed": false, "reasons": []}')
    with pytest.raises(GateRefusedError) as caught:
        push(candidate)
    assert caught.value.exit_code == 4
    assert not Path(candidate.registry).exists()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"passed": "yes"}', '{"passed": null}'])
def test_what_is_no_verdict_is_refused(candidate, text):
    candidate.verdict.write_text(text)
    with pytest.raises(ConfigError, match="no verdict"):
        push(candidate)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../x", "-x", "a b", "x" * 200, "a\n"])
def test_names_that_could_leave_the_registry_are_refused(candidate, name):
    with pytest.raises(ConfigError, match="no name for a model"):
        push_model(candidate.exported, candidate.evaluation, candidate.verdict, candidate.registry, name)


def test_readers_ignore_what_has_no_manifest(candidate):
    push(candidate)
    model = Path(candidate.registry, MODEL)
    (model / "2").mkdir()
    (model / "2" / "saved_model.pb").write_bytes(b"half a copy")
    (model / "notes").mkdir()
    (model / "notes" / "MANIFEST.json").write_text("{}")
    assert registry.list_versions(candidate.registry, MODEL) == [1]
    with pytest.raises(ConfigError) as caught:
        registry.load_manifest(candidate.registry, MODEL, 2)
    assert caught.value.details["expected"] == "1"


def test_a_number_that_is_taken_is_not_used(candidate, make_candidate):
    push(candidate)
    half = Path(candidate.registry, MODEL, "2")
    half.mkdir()
    (half / "saved_model.pb").write_bytes(b"half a copy")
    assert push(make_candidate(b"new")).pushed.version == 3
    (half / "saved_model.pb").unlink()
    assert push(make_candidate(b"newer")).pushed.version == 4


@pytest.mark.parametrize("how", ["change", "shorten", "remove"])
def test_spoilt_versions_are_found(candidate, how):
    push(candidate)
    path = Path(candidate.registry, MODEL, "1", "variables", "variables.index")
    if how == "remove":
        path.unlink()
    else:
        path.write_bytes(b"Index" if how == "change" else b"inde")
    with pytest.raises(ConfigError, match="not what was pushed") as caught:
        registry.verify(candidate.registry, MODEL, 1)
    assert caught.value.details["file"] == str(path)
    with pytest.raises(ConfigError, match="not what was pushed"):
        push(candidate)  # not called done because a version of that digest is there


def test_a_broken_pointer_is_named(candidate):
    push(candidate)
    pointer = Path(candidate.registry, MODEL, "champion.json")
    for text in ("{", "[]", '{"schema_version": 9}', '{"schema_version": 1, "model": "street"}'):
        pointer.write_text(text)
        with pytest.raises(ConfigError) as caught:
            registry.read_champion(candidate.registry, MODEL)
        assert caught.value.details["file"] == str(pointer)


def test_an_empty_registry(tmp_path):
    assert registry.list_versions(str(tmp_path / "none"), MODEL) == []
    assert registry.read_champion(str(tmp_path / "none"), MODEL) is None


def test_object_stores_are_refused_by_name(candidate):
    candidate.registry = "s3://bucket/models"
    with pytest.raises(StorageError, match="not built yet"):
        push(candidate)


def test_by_hand(candidate, project_root):
    command = [sys.executable, "-m", "components.model_push", "--exported", str(candidate.exported)]
    command += ["--evaluation", str(candidate.evaluation), "--verdict", str(candidate.verdict)]
    command += ["--registry", candidate.registry, "--model-name", MODEL]
    done = subprocess.run(command, cwd=project_root, capture_output=True, text=True)
    assert done.returncode == 0 and "street version 1 pushed" in done.stdout, done.stderr
    done = subprocess.run(command, cwd=project_root, capture_output=True, text=True)
    assert "version 1 was there already" in done.stdout
    candidate.verdict.write_text('{"passed": false}')
    done = subprocess.run(command, cwd=project_root, capture_output=True, text=True)
    assert done.returncode == 4 and "Traceback" not in done.stderr


def test_the_component(candidate, tmp_path):
    from components.model_push.component import model_push

    def artifact(path):
        return SimpleNamespace(path=str(path), uri=str(path))

    model_push.python_func(
        exported=artifact(candidate.exported),
        evaluation=artifact(candidate.evaluation),
        verdict=artifact(candidate.verdict),
        registry_uri=candidate.registry,
        model_name=MODEL,
        run_uri=str(tmp_path / "run"),
        pushed=artifact(tmp_path / "pushed"),
    )
    pushed = json.loads((tmp_path / "pushed").read_text())
    facts = json.loads((tmp_path / "run" / "steps" / "model_push.json").read_text())
    assert pushed == facts["facts"] and pushed["version"] == 1 and pushed["promoted"]
    assert facts["artifacts"]["model"] == pushed["uri"] == f"{candidate.registry}/{MODEL}/1"


def test_errors_are_user_errors():
    assert issubclass(GateRefusedError, UserError)
