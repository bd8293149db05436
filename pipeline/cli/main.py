"""The ``urbandet`` command."""

from __future__ import annotations

import os
import sys

import click

from detection.errors import UserError
from pipeline.cli.compile import compile_command
from pipeline.cli.data import data
from pipeline.cli.doctor import doctor
from pipeline.cli.run import run
from pipeline.cli.runs import runs
from storage import StorageError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="urbandet")
def cli() -> None:
    """Fine-tune, evaluate and publish detectors of vehicles, pedestrians and cyclists.

    \b
    The first thing to try (no data, no GPU, no network needed):
      urbandet run
    Your own images (TFRecords of TFExamples) and label map:
      urbandet data inspect 'shards/train-*.tfrecord'
      urbandet run my_run.yaml

    Exit codes: 0 done, 2 configuration, 3 data, 4 the gate refused the model, 75 try again, 143 interrupted.
    """


for command in (run, compile_command, data, runs, doctor):
    cli.add_command(command)


def main() -> None:
    """Runs the command; a user's mistake is one message and an exit code, never a traceback."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        cli(prog_name="urbandet")
    except (UserError, StorageError) as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
