"""The step by hand and as a pipeline task: exit codes, files, messages."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from components.data_validation.result import require_pass
from detection.errors import DataError


@pytest.fixture
def run(dataset, project_root):
    def run_command(*more: str, train: str = "train-*.tfrecord") -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "components.data_validation", "--train", f"{dataset.folder}/{train}"]
        command += ["--eval", f"{dataset.folder}/eval-*.tfrecord", "--output", f"{dataset.folder}/out"]
        command += ["--label-map", f"{dataset.folder}/label_map.pbtxt", *more]
        return subprocess.run(command, cwd=project_root, capture_output=True, text=True)

    return run_command


def files_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_pass(dataset, run):
    dataset.write()
    done = run()
    assert done.returncode == 0, done.stderr
    assert files_in(dataset.folder / "out") == [
        "findings.json",
        "manifest.json",
        "report.html",
        "statistics.json",
    ]
    assert json.loads((dataset.folder / "out" / "findings.json").read_text()) == []
    assert "passed" in done.stdout


def test_stop_names_id_field_numbers_and_mend(dataset, run):
    dataset.write()
    done = run("--num-classes", "3")
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    for part in ("num_classes", "4 (cyclist)", "num_classes: 3", "num_classes: 4, or renumber"):
        assert part in done.stderr
    assert len(files_in(dataset.folder / "out")) == 4


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--policy", "nope"), "no such validation policy"),
        (("--label-map", "/nowhere/map"), "nothing stands there"),
        (("--num-classes", "-1"), "negative"),
        (("--train", "s3://bucket/x"), "not built yet"),
    ],
)
def test_wrong_arguments_are_not_the_datas_fault(dataset, run, arguments, says):
    dataset.write()
    done = run(*arguments)
    assert done.returncode == 2 and says in done.stderr and "Traceback" not in done.stderr


def test_the_component_keeps_facts_and_report_when_it_stops(dataset, tmp_path, monkeypatch):
    from types import SimpleNamespace

    from components.data_validation.component import data_validation

    dataset.write()
    outputs = {
        name: SimpleNamespace(path=str(tmp_path / name), uri=str(tmp_path / name))
        for name in ("manifest", "statistics", "findings", "report")
    }

    def call(num_classes: int) -> str:
        return data_validation.python_func(
            train_uri=f"{dataset.folder}/train-*.tfrecord",
            eval_uri=f"{dataset.folder}/eval-*.tfrecord",
            label_map_uri=f"{dataset.folder}/label_map.pbtxt",
            num_classes=num_classes,
            policy="",
            run_uri=str(tmp_path / "run"),
            **outputs,
        )

    with pytest.raises(SystemExit) as caught:
        call(3)
    assert caught.value.code == 3
    facts = json.loads((tmp_path / "run" / "steps" / "data_validation.json").read_text())
    assert facts["state"] == "failed" and facts["facts"]["stops"] == 9
    assert "id 4 (cyclist)" in facts["error"]["found"]
    assert "stops the run" in Path(facts["artifacts"]["report"]).read_text()
    digest = call(4)
    assert digest == json.loads((tmp_path / "manifest").read_text())["digest"]
    facts = json.loads((tmp_path / "run" / "steps" / "data_validation.json").read_text())
    assert facts["state"] == "succeeded" and facts["facts"]["data_digest"] == digest


class Page(HTMLParser):
    """Counts the open tags and gathers what would be loaded or run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        if tag not in ("meta", "br"):
            self.open.append(tag)
        self.links += [value for name, value in attributes if name in ("src", "href", "onerror", "onload")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_report_is_whole_self_contained_and_escaped(dataset, building):
    evil = b"<script>alert(1)</script>"
    dataset.records["eval-0"][0] = building.serialize(
        building.features(6, text=[b"vehicle", evil, b"cyclist"])
    )
    dataset.label_map = dataset.label_map.replace("'pedestrian'", "'pedestrian' display_name: '<b onload=x>'")
    result = dataset.validate()
    text = (dataset.folder / "out" / "report.html").read_text()
    page = Page(text)
    assert page.open == [] and page.links == []
    assert "script" not in page.tags and "b onload" not in text.replace("&lt;b onload", "")
    assert "&lt;script&gt;" in text
    assert text.index("stops the run") < text.index("label_text") < text.index("Class balance")
    assert result.manifest.digest in text
    assert not re.search(r"https?://", text)


def test_an_empty_dataset_still_has_a_report(dataset):
    dataset.records = {}
    result = dataset.validate()
    text = (dataset.folder / "out" / "report.html").read_text()
    assert not result.passed and Page(text).open == []
    with pytest.raises(DataError) as caught:
        require_pass(result, "report.html")
    assert caught.value.exit_code == 3 and "report.html" in str(caught.value)


def test_the_real_frames_pass(shared_dir, dataset, tmp_path, run):
    real = shared_dir / "data" / "real"
    dataset.write()
    done = run(
        "--train", f"{real}/waymo_frame_640.tfrecord", "--eval", f"{real}/kitti_frames.tfrecord",
        "--label-map", f"{real}/label_map.pbtxt", "--num-classes", "4",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    manifest = json.loads((dataset.folder / "out" / "manifest.json").read_text())
    assert manifest["splits"]["train"]["boxes_by_class"] == {"1": 50, "2": 15, "4": 1}
    assert manifest["splits"]["eval"]["boxes_by_class"] == {"1": 3, "2": 1, "4": 1}
    assert json.loads((dataset.folder / "out" / "findings.json").read_text()) == []
