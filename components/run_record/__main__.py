"""``python -m components.run_record``: writes the record of a run by hand."""

from __future__ import annotations

import json

import click

from components.run_record.record import record_uri, write_record


@click.command()
@click.argument("run_uri")
@click.option("--parameters", default="{}", show_default=True, help="The run's parameters as a JSON object.")
def main(run_uri: str, parameters: str) -> None:
    """Gather RUN_URI/steps/*.json into RUN_URI/run.json.

    Example: python -m components.run_record runs/demo-20260101-120000
    """
    record = write_record(run_uri, json.loads(parameters), "")
    click.echo(f"{record['state']}: {record_uri(run_uri)}")


if __name__ == "__main__":
    main()
