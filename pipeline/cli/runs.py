"""``urbandet runs``."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from pipeline.local.summary import number
from pipeline.run_list import RunLine, list_runs

STATE_STYLES = {"promoted": "green", "refused": "yellow", "failed": "red", "interrupted": "red"}


@click.command()
@click.option("--runs-dir", type=click.Path(path_type=Path), default=Path("runs"), show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON list, for scripts.")
def runs(runs_dir: Path, as_json: bool) -> None:
    """List what ran on this machine: state, numbers, verdict.

    \b
    Examples:
      urbandet runs
      urbandet runs --json | python -m json.tool
    """
    lines = list_runs(runs_dir.absolute())
    if as_json:
        click.echo(json.dumps([vars(line) for line in lines], indent=2))
    elif not lines:
        click.echo(f"No runs in {runs_dir} yet. Start one: urbandet run")
    else:
        Console().print(_table(lines))


def _table(lines: list[RunLine]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("run", "state", "started"):
        table.add_column(column, overflow="fold")
    for column in ("AP", "AP50", "steps", "time"):
        table.add_column(column, justify="right")
    for line in lines:
        style = STATE_STYLES.get(line.state, "")
        state = f"[{style}]{line.state}[/]" if style else line.state
        steps = "" if line.steps is None else str(line.steps)
        time = "" if line.seconds is None else f"{line.seconds:.0f} s"
        table.add_row(line.run, state, line.started, number(line.AP), number(line.AP50), steps, time)
    return table
