"""``urbandet doctor``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from pipeline.checkup import check_machine, summary

MARKS = {"ok": "[green]ok  [/]", "warn": "[yellow]warn[/]", "bad": "[red]bad [/]"}


@click.command()
@click.option("--runs-dir", type=click.Path(path_type=Path), default=Path("runs"), show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for scripts.")
def doctor(runs_dir: Path, as_json: bool) -> None:
    """Say what this machine has and lacks for a run; exit code 2 when a run would fail.

    \b
    Example:
      urbandet doctor
    """
    console = Console(quiet=as_json)
    findings = []
    for finding in check_machine(runs_dir.absolute()):
        findings.append(finding)
        console.print(f"{MARKS[finding.state]} {finding.name}: {escape(finding.found)}", highlight=False)
        if finding.mend:
            console.print(f"       {escape(finding.mend)}", style="dim", highlight=False)
    result = summary(findings)
    if as_json:
        click.echo(json.dumps(result, indent=2))
    sys.exit(0 if result["ok"] else 2)
