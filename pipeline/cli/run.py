"""``urbandet run``."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console

from pipeline.run_file import load_run_file


@click.command()
@click.argument("run_file", type=click.Path(path_type=Path), default=Path("demo"))
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change one value of the run file."
)
@click.option("--runs-dir", type=click.Path(path_type=Path), default=Path("runs"), show_default=True)
@click.option(
    "--resume", metavar="RUN_ID", help="Go on with this run, with the parameters it was started with."
)
@click.option("--fresh", is_flag=True, help="Start anew even where the same run was interrupted.")
def run(run_file: Path, settings: tuple[str, ...], runs_dir: Path, resume: str | None, fresh: bool) -> None:
    """Run the whole pipeline on this machine, into RUNS_DIR/<run id>/.

    RUN_FILE is a file, or the name of a shipped one (default: demo, which draws its own data set). A run that was
    interrupted goes on from its last checkpoint when the same command is given again.

    \b
    Examples:
      urbandet run
      urbandet run demo --set training.parameters.num_steps=100
      urbandet run my_run.yaml --set data.train='shards/train-*.tfrecord'
    """
    from pipeline.local.running import resume_pipeline, run_pipeline

    console = Console()
    runs_dir = runs_dir.absolute()
    if resume:
        outcome = resume_pipeline(runs_dir, resume, console)
    else:
        outcome = run_pipeline(load_run_file(run_file, settings), runs_dir, console, fresh=fresh)
    sys.exit(outcome.exit_code)
