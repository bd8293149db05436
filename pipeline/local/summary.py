"""What a run says at its end: the numbers, the verdict, and where everything is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from detection.errors import EXIT_GATE_REFUSED, EXIT_INTERRUPTED
from pipeline.local.run_folder import RunFolder

NOT_AVAILABLE = "n/a"


def print_summary(console: Console, folder: RunFolder, record: dict[str, Any]) -> None:
    """Prints the end of a run: a table of its numbers and places, or what failed and how to go on."""
    failed = failed_step(record)
    if failed is not None:
        _print_failure(console, folder, failed)
        return
    console.print()
    console.print(_metrics_table(record))
    for name, value in _facts(folder, record):
        # Not wrapped, so that a path can be copied.
        console.print(f"[dim]{name:<12}[/] {value}", highlight=False, soft_wrap=True)


def exit_code(record: dict[str, Any]) -> int:
    """The command's exit code (DESIGN section 6)."""
    failed = failed_step(record)
    if failed is not None:
        if failed["state"] in ("interrupted", "died"):
            return EXIT_INTERRUPTED
        return int((failed["error"] or {}).get("exit_code", 1))
    if record["state"] == "refused":
        return EXIT_GATE_REFUSED
    return 0 if record["state"] in ("promoted", "succeeded") else 1


def failed_step(record: dict[str, Any]) -> dict[str, Any] | None:
    """The first step that did not succeed; None when all that ran did."""
    for step in record["steps"].values():
        if step["state"] != "succeeded":
            found: dict[str, Any] = step
            return found
    return None


def _print_failure(console: Console, folder: RunFolder, failed: dict[str, Any]) -> None:
    error = failed["error"] or {}
    stopped = failed["state"] in ("interrupted", "died")
    console.print(
        f"\n[bold red]{failed['step']} {failed['state']}[/]: {escape(str(error.get('message', '')))}"
    )
    report = failed["artifacts"].get("report")
    if report:
        console.print(f"report:  {report}", highlight=False, soft_wrap=True)
    console.print(f"log:     {folder.log}", highlight=False, soft_wrap=True)
    if stopped:
        console.print(
            "Run the same command again: training goes on from its last checkpoint.", highlight=False
        )


def number(value: Any) -> str:
    """A metric as text; ``n/a`` where there was nothing to measure."""
    return NOT_AVAILABLE if value is None else f"{value:.3f}"


def _metrics_table(record: dict[str, Any]) -> Table:
    table = Table(title=f"Run {Path(record['run_uri']).name}", title_justify="left")
    table.add_column("class")
    for column in ("AP", "AP50", "boxes"):
        table.add_column(column, justify="right")
    metrics = record["metrics"]
    table.add_row(
        "[bold]all[/]", f"[bold]{number(metrics.get('AP'))}[/]", f"[bold]{number(metrics.get('AP50'))}[/]", ""
    )
    for name, values in record["per_class"].items():
        table.add_row(
            escape(name), number(values.get("AP")), number(values.get("AP50")), str(values.get("boxes", ""))
        )
    return table


def _facts(folder: RunFolder, record: dict[str, Any]) -> list[tuple[str, str]]:
    steps = record["steps"]
    training = steps.get("fine_tune", {}).get("facts", {})
    evaluation = steps.get("coco_eval", {})
    speed = training.get("images_per_second")
    rows = []
    if speed is not None:
        rows.append(("training", f"{training.get('steps')} steps, {speed:.1f} images/s"))
    if evaluation.get("facts", {}).get("images_per_second") is not None:
        rows.append(("evaluation", f"{evaluation['facts']['images_per_second']:.1f} images/s"))
    rows.append(("verdict", _verdict(record)))
    published = record["published"].get("uri")
    exported = steps.get("export_model", {}).get("artifacts", {}).get("exported")
    rows.append(("model", str(published or exported or NOT_AVAILABLE)))
    for name, step, artifact in (
        ("report", "coco_eval", "report"),
        ("data report", "data_validation", "report"),
        ("curves", "fine_tune", "curves"),
    ):
        place = steps.get(step, {}).get("artifacts", {}).get(artifact)
        if place:
            rows.append((name, str(place)))
    rows.append(("TensorBoard", f"tensorboard --logdir {folder.path / 'tensorboard'}"))
    rows.append(("record", str(folder.path / "run.json")))
    return rows


def _verdict(record: dict[str, Any]) -> str:
    verdict = record["verdict"]
    # A refusal is explained by what speaks against the model, a promotion by all that was looked at.
    reasons = [reason for reason in verdict.get("reasons", []) if reason["outcome"] == "refuse"]
    reasons = reasons or verdict.get("reasons", [])
    text = " ".join(reason["message"] for reason in reasons)
    colour = "green" if record["state"] == "promoted" else "yellow"
    return f"[{colour}]{record['state']}[/]" + (f": {escape(text)}" if text else "")
