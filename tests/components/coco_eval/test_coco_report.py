"""The report shows everything, escapes everything, and loses no number when drawing fails."""

from __future__ import annotations

import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from components.coco_eval import drawing, pr_chart, report, step
from components.coco_eval.drawing import DrawnBox, draw_boxes
from components.coco_eval.image_sources import FolderImages
from components.coco_eval.metrics import read_evaluation
from components.coco_eval.step import EvaluationResult, score_files

HOSTILE = "<script>alert(1)</script>\"'&{{ 7*7 }}"


def _write_case(folder: Path, name: str = "vehicle", images: int = 3) -> None:
    random = np.random.default_rng(7)
    entries, annotations, detections = [], [], []
    for number in range(1, images + 1):
        file_name = f"image {number}.png"
        pixels = random.integers(0, 255, (12, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((160, 120)).save(folder / file_name)
        entries.append({"id": number, "width": 160, "height": 120, "file_name": file_name})
        for place in range(3):
            box = [10 + 45 * place, 20, 30, 40 + number]
            annotations.append(
                {"id": len(annotations) + 1, "image_id": number, "category_id": 1, "bbox": box}
            )
        # One right, one beside everything: image by image the same, so all have mistakes.
        detections.append({"image_id": number, "category_id": 1, "bbox": [11, 21, 30, 40], "score": 0.9})
        detections.append({"image_id": number, "category_id": 1, "bbox": [60, 80, 30, 40], "score": 0.95})
    categories = [{"id": 1, "name": name}, {"id": 4, "name": "cyclist"}]
    truth = {"images": entries, "annotations": annotations, "categories": categories}
    (folder / "truth.json").write_text(json.dumps(truth))
    (folder / "found.json").write_text(json.dumps(detections))


def _score(folder: Path, **options: Any) -> EvaluationResult:
    return score_files(
        groundtruth=folder / "truth.json",
        detections=folder / "found.json",
        output_dir=folder / "out",
        images=FolderImages(folder),
        **options,
    )


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_report_is_complete_and_self_contained(tmp_path: Path) -> None:
    _write_case(tmp_path)
    result = _score(tmp_path, title="Demo")
    assert result.not_drawn == () and result.report is not None
    page = _Page(result.report.read_text())
    pictures = [attributes["src"] for tag, attributes in page.tags if tag == "img"]
    assert len(pictures) == 3 and all(src and src.startswith("data:image/jpeg;base64,") for src in pictures)
    assert sum(tag == "polyline" for tag, _ in page.tags) == 2
    for tag, attributes in page.tags:
        assert tag not in ("script", "link", "iframe")
        assert not any((value or "").startswith(("http", "//")) for value in attributes.values())
    metrics = result.evaluation.metrics
    for name in ("AP", "AP50", "AR100"):
        assert f"{metrics[name]:.3f}" in page.text
    assert "1 found, 2 missed, 1 false alarm" in page.text
    assert "No groundtruth boxes of class cyclist" in page.text and "n/a" in page.text
    assert "-1.0" not in page.text and "None" not in page.text


def test_hostile_names_are_escaped(tmp_path: Path) -> None:
    _write_case(tmp_path, name=HOSTILE)
    truth = json.loads((tmp_path / "truth.json").read_text())
    truth["images"][0]["file_name"] = HOSTILE
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    result = _score(tmp_path, title=HOSTILE)
    assert result.report is not None
    text = result.report.read_text()
    page = _Page(text)
    assert not any(tag == "script" for tag, _ in page.tags)
    assert "<script" not in text and page.text.count(HOSTILE) >= 4
    plain = report.plain_page(HOSTILE, result.evaluation, [HOSTILE])
    assert "<script" not in plain and _Page(plain).text.count(HOSTILE) >= 3


def _raise(*args: object, **options: object) -> None:
    raise RuntimeError("the renderer is broken")


@pytest.mark.parametrize(
    ("owner", "name", "told"),
    [
        (ImageFont, "load_default", "image 1.png"),
        (ImageDraw, "Draw", "image 1.png"),
        (Image, "open", "image 1.png"),
        (FolderImages, "load", "no image at all"),
        (report, "make_charts", "precision-recall curves"),
        (report, "_render", "the whole page"),
        (step, "write_report", "the report"),
    ],
)
def test_broken_drawing_loses_no_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, told: str
) -> None:
    _write_case(tmp_path)
    expected = _score(tmp_path, draw=False).evaluation
    monkeypatch.setattr(owner, name, _raise)
    result = _score(tmp_path)
    assert any(told in problem and "the renderer is broken" in problem for problem in result.not_drawn)
    assert result.evaluation == expected
    stored = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert stored["metrics"] == expected.metrics
    assert read_evaluation(tmp_path / "out") == expected
    if owner is not step:
        assert result.report is not None
        text = _Page(result.report.read_text()).text
        assert "What could not be drawn" in text and "the renderer is broken" in text
        assert f"{expected.metrics['AP50']:.3f}" in text


def test_one_missing_and_one_broken_image_are_named_the_rest_is_drawn(tmp_path: Path) -> None:
    _write_case(tmp_path)
    (tmp_path / "image 1.png").unlink()
    (tmp_path / "image 2.png").write_bytes(b"not a picture")
    result = _score(tmp_path)
    assert len(result.not_drawn) == 2 and result.report is not None
    assert {problem.split(":")[0] for problem in result.not_drawn} == {"image 1.png", "image 2.png"}
    assert result.report.read_text().count("data:image/jpeg") == 1


def test_images_outside_the_folder_are_not_read(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    _write_case(inner)
    Image.new("RGB", (160, 120)).save(tmp_path / "secret.png")
    truth = json.loads((inner / "truth.json").read_text())
    truth["images"][0]["file_name"] = "../secret.png"
    truth["images"][1]["file_name"] = str(tmp_path / "secret.png")
    (inner / "truth.json").write_text(json.dumps(truth))
    assert len(_score(inner).not_drawn) == 2


def test_boxes_are_drawn_where_they_are() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (400, 300), (0, 0, 0)).save(buffer, format="PNG")
    jpeg = draw_boxes(buffer.getvalue(), [DrawnBox((100, 50, 200, 150), "wrong", "")])
    pixels = np.asarray(Image.open(io.BytesIO(jpeg))).astype(int)
    assert pixels.shape == (300, 400, 3)
    red = pixels[..., 0] > 120
    rows, columns = np.nonzero(red)
    assert (rows.min(), columns.min()) == pytest.approx((50, 100), abs=2)
    assert (rows.max(), columns.max()) == pytest.approx((200, 300), abs=2)
    assert not red[80:170, 130:270].any()


@pytest.mark.parametrize(
    "box", [(-50.0, -50.0, 900.0, 900.0), (399.0, 299.0, 0.0, 0.0), (500.0, 500.0, 10.0, 10.0)]
)
@pytest.mark.parametrize("kind", ["object", "right", "wrong", "missed"])
def test_boxes_at_and_beyond_the_border_can_be_drawn(box: Any, kind: Any) -> None:
    buffer = io.BytesIO()
    Image.new("L", (400, 300)).save(buffer, format="PNG")
    assert draw_boxes(
        buffer.getvalue(), [DrawnBox(box, kind, "a very long class name, 漢字 and more of it 0.99")]
    )


def test_an_enormous_image_is_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "LARGEST_IMAGE_PIXELS", 100)
    buffer = io.BytesIO()
    Image.new("L", (11, 10)).save(buffer, format="PNG")
    with pytest.raises(ValueError, match="more than are drawn"):
        draw_boxes(buffer.getvalue(), [])


def test_large_images_are_made_small() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (1920, 1280)).save(buffer, format="JPEG")
    jpeg = draw_boxes(buffer.getvalue(), [DrawnBox((960, 640, 400, 300), "right", "")])
    image = Image.open(io.BytesIO(jpeg))
    assert image.size == (720, 480)
    green = np.asarray(image).astype(int)[..., 1] > 120
    rows, columns = np.nonzero(green)
    assert (rows.min(), columns.min()) == pytest.approx((240, 360), abs=3)


def test_the_chart_stays_within_its_frame(tmp_path: Path) -> None:
    _write_case(tmp_path)
    result = _score(tmp_path)
    assert result.report is not None
    for points in re.findall(r'<polyline[^>]*points="([^"]+)"', result.report.read_text()):
        pairs = [tuple(map(float, pair.split(","))) for pair in points.split()]
        assert len(pairs) == 101
        assert all(pr_chart.x_of(0) <= x <= pr_chart.x_of(1) for x, _ in pairs)
        assert all(pr_chart.y_of(1) <= y <= pr_chart.y_of(0) for _, y in pairs)


def test_many_classes_are_limited_in_the_chart_only(tmp_path: Path) -> None:
    truth: dict[str, Any] = {"images": [{"id": 1}], "categories": [], "annotations": []}
    for number in range(1, 21):
        truth["categories"].append({"id": number, "name": f"class {number}"})
        truth["annotations"].append(
            {"id": number, "image_id": 1, "category_id": number, "bbox": [0, 0, 9, 9]}
        )
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    (tmp_path / "found.json").write_text("[]")
    result = _score(tmp_path)
    assert result.report is not None
    page = _Page(result.report.read_text())
    assert sum(tag == "polyline" for tag, _ in page.tags) == 2 * pr_chart.MOST_CURVES
    assert "12 classes with fewer objects are only in the table" in page.text and "class 20" in page.text
