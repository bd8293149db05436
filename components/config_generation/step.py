"""Config generation as a step: reads the base and the manifest, writes the config and what changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from components.config_generation.base_config import load_base
from components.config_generation.derive import learning_rate_of, shortest
from components.config_generation.difference import difference_markdown
from components.config_generation.generate import GeneratedConfig, generate_config, passes_over_data
from components.config_generation.parameters import parse_parameters
from components.config_generation.start_checkpoint import find_start_checkpoint
from components.data_validation.manifest import Manifest, load_manifest
from detection.config.reading import format_pipeline_config
from detection.errors import DataError, UserError
from storage import StorageError, write_bytes


def generate_pipeline_config(
    *,
    base_config: str,
    manifest: str | Path,
    parameters: str,
    pipeline_config: str | Path,
    changes: str | Path,
    data_digest: str = "",
    fine_tune_checkpoint: str = "",
    fine_tune_checkpoint_type: str = "detection",
) -> dict[str, Any]:
    """Makes a run's complete ``pipeline.config``.

    Args:
        base_config: A shipped base's name, a path or URI, or the text of a ``pipeline.config``.
        manifest: The manifest of the validated data.
        parameters: What the run asks for, a JSON object (``TrainingParameters``).
        pipeline_config: Where to write the config.
        changes: Where to write what changed and why, as Markdown; written on failure too.
        data_digest: What the manifest's digest must be; '' is not compared.
        fine_tune_checkpoint: What to start from; '' trains from scratch.
        fine_tune_checkpoint_type: classification, detection or full.

    Returns:
        The run's facts: steps, batch size, rates, classes, model, warnings.

    Raises:
        ConfigError, DataError, StorageError: Named by file and field; nothing is written but ``changes``.
    """
    try:
        data = load_manifest(manifest)
        _check_digest(data, data_digest, manifest)
        base, base_name = load_base(base_config)
        generated = generate_config(
            base,
            data,
            parse_parameters(parameters),
            find_start_checkpoint(fine_tune_checkpoint),
            fine_tune_checkpoint_type or "detection",
            base_name,
        )
    except (UserError, StorageError) as error:
        report = f"# Config generation failed\n\n```\n{error}\n```\n"
        write_bytes(str(changes), report.encode())
        raise
    header = f"# Made by config generation from {base_name}; what changed and why stands beside it.\n"
    write_bytes(str(pipeline_config), (header + format_pipeline_config(generated.config)).encode())
    passes = passes_over_data(generated.config, data)
    write_bytes(str(changes), difference_markdown(generated, base_name, passes).encode())
    return _facts(generated, base_name, passes)


def _check_digest(manifest: Manifest, expected: str, path: str | Path) -> None:
    if expected and manifest.digest != expected:
        raise DataError(
            "The manifest describes other data than the run's.",
            file=path,
            field="digest",
            found=manifest.digest,
            expected=expected,
            mend="run data_validation again",
        )


def _facts(generated: GeneratedConfig, base_name: str, passes: float) -> dict[str, Any]:
    config = generated.config
    _path, kind, schedule = learning_rate_of(config.train_config)
    rates = {
        field.name: shortest(value) if isinstance(value, float) else value
        for field, value in schedule.ListFields()
        if isinstance(value, float | int)
    }
    return {
        "base_config": base_name,
        "feature_extractor": config.model.ssd.feature_extractor.type,
        "num_classes": config.model.ssd.num_classes,
        "num_steps": config.train_config.num_steps,
        "batch_size": config.train_config.batch_size,
        "passes_over_data": round(passes, 3),
        "schedule": kind,
        **rates,
        "fine_tune_checkpoint": config.train_config.fine_tune_checkpoint,
        "warnings": list(generated.warnings),
    }
