"""``urbandet compile``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("compile")
@click.option("--target", type=click.Choice(["kfp", "vertex"]), default="kfp", show_default=True)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), default=Path("pipeline.yaml"), show_default=True
)
def compile_command(target: str, output: Path) -> None:
    """Compile the pipeline.

    The kfp form goes to Kubeflow Pipelines; the vertex form is the one document that Vertex AI loads (JSON when
    the name ends in .json).

    \b
    Examples:
      urbandet compile -o pipeline.yaml
      urbandet compile --target vertex -o pipeline.vertex.json
    """
    from pipeline.compiling import compile_pipeline

    click.echo(f"wrote {compile_pipeline(output, target)}")
