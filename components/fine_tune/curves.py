"""The page of the training curves: one self-contained HTML file, for a browser or the pipeline's UI."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from components.fine_tune.line_chart import Line, Point, line_chart, smoothed

_PREFIX = "Loss/"
_TOTAL = "Loss/total_loss"

_STYLE = """
:root{--ground:#fff;--text:#1d2733;--quiet:#66727f;--grid:#e4e8ec;--card:#f7f9fa;
--c1:#0b6bcb;--c2:#d9480f;--c3:#2b8a3e;--c4:#862e9c}
@media(prefers-color-scheme:dark){:root{--ground:#14181d;--text:#e6eaee;--quiet:#9aa6b2;--grid:#2b333b;
--card:#1b2127;--c1:#5aa9f8;--c2:#ff9457;--c3:#69c17d;--c4:#cf8ce0}}
body{margin:0 auto;max-width:1360px;padding:24px;background:var(--ground);color:var(--text);
font:15px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
h1{font-size:22px;margin:0 0 12px}
.facts{display:flex;flex-wrap:wrap;gap:8px 32px;margin:0 0 20px;padding:0}
.facts div{min-width:90px}.facts dt{color:var(--quiet);font-size:13px}.facts dd{margin:0;font-size:19px;
font-variant-numeric:tabular-nums}
.problem{border-left:4px solid var(--c2);background:var(--card);padding:10px 14px;white-space:pre-wrap;
overflow-wrap:anywhere;margin:0 0 20px}
main{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,460px),1fr));gap:20px}
figure{margin:0;background:var(--card);border-radius:8px;padding:14px 16px}
figcaption{font-weight:600;margin-bottom:2px}
.legend{display:flex;flex-wrap:wrap;gap:2px 18px;font-size:13px;color:var(--quiet);min-height:20px}
.legend b{color:var(--text);font-variant-numeric:tabular-nums}
.legend i{display:inline-block;width:14px;height:3px;border-radius:2px;margin-right:6px;vertical-align:middle;
background:currentColor}
.legend .line1 i{background:var(--c1)}.legend .line2 i{background:var(--c2)}
.legend .line3 i{background:var(--c3)}.legend .line4 i{background:var(--c4)}
svg{width:100%;height:auto;display:block}
svg text{fill:var(--quiet);font-size:12px;font-variant-numeric:tabular-nums}
.grid{stroke:var(--grid);stroke-width:1}
polyline{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
polyline.line1{stroke:var(--c1)}polyline.line2{stroke:var(--c2)}
polyline.line3{stroke:var(--c3)}polyline.line4{stroke:var(--c4)}
polyline.faint{stroke-width:1;opacity:.28}
.empty,footer{color:var(--quiet)}footer{margin-top:18px;font-size:13px}
"""


def write_curves(path: Path, history: Sequence[dict[str, Any]], *, title: str, problem: str = "") -> None:
    """Writes the page of a run's curves.

    Args:
        path: The HTML file; its folder is made.
        history: The entries of ``history.jsonl``; may be empty.
        title: Heading of the page.
        problem: Why the run did not end well; '' where it did.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(curves_page(history, title=title, problem=problem), encoding="utf-8")


def curves_page(history: Sequence[dict[str, Any]], *, title: str, problem: str = "") -> str:
    """The page as text; see ``write_curves``."""
    weight = _smoothing(len(history))
    charts = [_total(history, weight), _parts(history, weight)]
    charts.append(
        line_chart("Learning rate", [Line("rate", _series(history, "learning_rate"), "line3")], log=False)
    )
    speed = [Line("images/s", _series(history[1:], "images_per_second"), "line4")]
    charts.append(line_chart("Speed in images per second", speed, log=False))
    failed = f"<div class='problem'>{escape(problem)}</div>" if problem else ""
    note = f"Thick lines are smoothed over about {round(1 / (1 - weight))} steps." if weight else ""
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width,initial-scale=1'>"
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>"
        f"{failed}{_facts(history)}<main>{''.join(charts)}</main><footer>{note}</footer></body></html>\n"
    )


def _total(history: Sequence[dict[str, Any]], weight: float) -> str:
    points = _series(history, _TOTAL)
    lines = [Line("total", points, "line1", faint=True), Line("total", smoothed(points, weight), "line1")]
    return line_chart("Total loss", lines)


def _parts(history: Sequence[dict[str, Any]], weight: float) -> str:
    tags = sorted({tag for entry in history for tag in entry if tag.startswith(_PREFIX)} - {_TOTAL})
    lines = []
    for index, tag in enumerate(tags):
        name = tag.removeprefix(_PREFIX).removesuffix("_loss")
        lines.append(Line(name, smoothed(_series(history, tag), weight), f"line{1 + index % 4}"))
    return line_chart("Parts of the loss", lines)


def _smoothing(steps: int) -> float:
    """Weight of the past: about a hundredth of the run, none for a very short one."""
    return 0.0 if steps < 50 else 1.0 - 1.0 / min(steps / 100 + 1, 100)


def _series(history: Sequence[dict[str, Any]], tag: str) -> list[Point]:
    return [(float(entry["step"]), float(entry[tag])) for entry in history if entry.get(tag) is not None]


def _facts(history: Sequence[dict[str, Any]]) -> str:
    if not history:
        return ""
    last = history[-1]
    facts = {"steps": f"{last['step']:,}"}
    for tag, value in last.items():
        if tag.startswith(_PREFIX):
            facts[tag.removeprefix(_PREFIX).replace("_", " ")] = f"{value:.4g}"
    speeds = [y for _, y in _series(history[1:], "images_per_second") if math.isfinite(y)]
    if speeds:
        facts["images/s, median"] = f"{statistics.median(speeds):.3g}"
    entries = (f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts.items())
    return f"<dl class='facts'>{''.join(entries)}</dl>"
