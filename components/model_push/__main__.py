"""Publishes a model by hand: ``python -m components.model_push --help``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from components.model_push.step import push_model
from components.step import run_step

_HELP = """Publishes an exported model as the next version of a registry and makes it the champion.

\b
Example:
  python -m components.model_push --exported out/exported --evaluation out/evaluation \\
      --verdict out/verdict.json --registry models --model-name street

The same model pushed twice is one version.
Exit code 0: it is there. 2: something is missing. 4: the verdict is a refusal.
"""
_FOLDER = click.Path(path_type=Path)


@click.command(help=_HELP)
@click.option("--exported", required=True, metavar="DIR", type=_FOLDER, help="What export_model made.")
@click.option("--evaluation", required=True, metavar="DIR", type=_FOLDER, help="What coco_eval made.")
@click.option("--verdict", required=True, metavar="FILE", type=_FOLDER, help="What quality_gate decided.")
@click.option("--registry", required=True, metavar="URI", help="Folder of the registry.")
@click.option("--model-name", required=True, metavar="NAME", help="The model's name in the registry.")
@click.option("--run-uri", default="", metavar="URI", help="The run that made the model, for the record.")
def main(
    exported: Path, evaluation: Path, verdict: Path, registry: str, model_name: str, run_uri: str
) -> None:
    """The command; see its help."""
    with run_step("model_push", ""):
        result = push_model(exported, evaluation, verdict, registry, model_name, run_uri)
    state = "pushed" if result.pushed.created else "was there already"
    print(f"{model_name} version {result.pushed.version} {state}: {result.pushed.uri}")
    print(f"champion: version {result.champion.version}")


if __name__ == "__main__":
    sys.exit(main())
