"""``python -m components.coco_eval`` as a person uses it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from components.coco_eval.__main__ import main


def exit_code(arguments: list[str]) -> int:
    """What the command ends with, by its return or by leaving."""
    try:
        return main(arguments)
    except SystemExit as end:
        return int(end.code or 0)


TRUTH = {
    "images": [{"id": 1}],
    "categories": [{"id": 1, "name": "vehicle"}, {"id": 4, "name": "cyclist"}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 50, 50]}],
}
FOUND = [{"image_id": 1, "category_id": 1, "bbox": [0, 0, 50, 50], "score": 0.5}]


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    (tmp_path / "truth.json").write_text(json.dumps(TRUTH))
    (tmp_path / "found.json").write_text(json.dumps(FOUND))
    named = ["--groundtruth", tmp_path / "truth.json", "--detections", tmp_path / "found.json"]
    return [str(part) for part in (*named, "--output", tmp_path / "out")]


def test_two_files_are_scored_without_tensorflow(
    project_root: Path, tmp_path: Path, files: list[str]
) -> None:
    program = (
        "import sys; from components.coco_eval.__main__ import main; code = main(sys.argv[1:]);"
        "assert 'tensorflow' not in sys.modules, 'scoring imported tensorflow'; sys.exit(code)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, *files], capture_output=True, text=True, cwd=project_root, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert "AP         1.0000" in ran.stdout and "AP_large   n/a" in ran.stdout
    assert (tmp_path / "out" / "report.html").is_file()
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["metrics"]["AP50"] == pytest.approx(1.0) and metrics["metrics"]["AP_large"] is None
    assert metrics["per_class"]["cyclist"]["AP"] is None
    assert metrics["eval_digest"].startswith("sha256:")
    assert metrics["label_map"] == [{"id": 1, "name": "vehicle"}, {"id": 4, "name": "cyclist"}]
    curves = json.loads((tmp_path / "out" / "curves.json").read_text())
    assert curves["precision"]["cyclist"] is None and len(curves["precision"]["vehicle"]["iou_50"]) == 101


@pytest.mark.parametrize("scorer", ["hotcoco", "pycocotools"])
def test_json_output(files: list[str], scorer: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*files, "--json", "--scorer", scorer]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["metrics"]["AP"] == pytest.approx(1.0) and printed["scorer"] == scorer


def test_bad_data_is_one_message_and_exit_code_3(
    tmp_path: Path, files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "found.json").write_text(json.dumps([{**FOUND[0], "image_id": "1"}]))
    assert exit_code(files) == 3
    told = capsys.readouterr().err
    assert "id is a string" in told and "found.json" in told and "Traceback" not in told
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], "neither"),
        (["--groundtruth", "a", "--model", "b"], "both"),
        (["--groundtruth", "a"], "--detections"),
        (["--model", "a"], "--manifest"),
        (["--manifest", "a"], "--model"),
        (["--model", "a", "--manifest", "b", "--batch-size", "0"], "--batch-size"),
    ],
)
def test_contradictions_are_exit_code_2(
    tmp_path: Path, given: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code([*given, "--output", str(tmp_path)]) == 2
    assert told in capsys.readouterr().err


def test_a_missing_manifest_is_one_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pipeline.config").write_text("")
    given = ["--model", str(tmp_path), "--manifest", str(tmp_path / "no.json"), "--output", str(tmp_path)]
    assert exit_code(given) == 2
    assert "no.json" in capsys.readouterr().err
