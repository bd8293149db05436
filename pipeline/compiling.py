"""Compiling the DAG: ``pipeline.yaml`` for Kubeflow Pipelines, a one-document form for Vertex AI."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import yaml
from kfp import compiler

from pipeline.dag import street_detector_training

TARGETS = ("kfp", "vertex")


def compile_pipeline(output: Path, target: str = "kfp") -> Path:
    """Compiles the DAG into ``output``, whole or not at all.

    Args:
        output: File to write.
        target: ``kfp`` writes what kfp's compiler makes. ``vertex`` writes its first document only, as JSON when
            the name ends so: Vertex AI's client loads one document (KFP_FACTS section 7).

    Returns:
        ``output``.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".compile-") as folder:
        compiled = Path(folder) / "pipeline.yaml"
        compiler.Compiler().compile(street_detector_training, str(compiled))
        if target == "vertex":
            document = first_document(compiled)
            as_json = output.suffix == ".json"
            text = json.dumps(document, indent=2) if as_json else yaml.safe_dump(document, sort_keys=True)
            compiled.write_text(text, encoding="utf-8")
        compiled.replace(output)
    return output


def first_document(package: Path) -> dict[str, Any]:
    """The pipeline spec of a compiled package, without its platform document."""
    with package.open(encoding="utf-8") as stream:
        document: dict[str, Any] = next(iter(yaml.safe_load_all(stream)))
    return document
