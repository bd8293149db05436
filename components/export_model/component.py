"""export_model as a kfp component."""

from kfp import dsl

from components.images import CPU_IMAGE


@dsl.component(base_image=CPU_IMAGE, install_kfp_package=False)
def export_model(
    pipeline_config: dsl.Input[dsl.Artifact],
    manifest: dsl.Input[dsl.Dataset],
    checkpoint: dsl.Input[dsl.Model],
    evaluation: dsl.Input[dsl.Artifact],
    run_uri: str,
    exported: dsl.Output[dsl.Model],
    metrics: dsl.Output[dsl.Metrics],
) -> None:
    """Exports a SavedModel bundle, scores it in a fresh process, measures its latency."""
    from pathlib import Path

    from components.export_model.step import export_model as export
    from components.step import run_step

    with run_step("export_model", run_uri) as facts:
        facts.artifacts["exported"] = exported.path
        result = export(
            pipeline_config=Path(pipeline_config.path),
            checkpoint=checkpoint.path,
            evaluation=Path(evaluation.path),
            manifest=manifest.path,
            output_dir=Path(exported.path),
        )
        facts.facts.update(result.as_json())
        for name, value in result.agreement.exported.items():
            if value is not None:
                metrics.log_metric(f"exported_{name}", round(value, 6))
        metrics.log_metric("latency_median_ms", result.latency.median_ms)
        metrics.log_metric("saved_model_megabytes", round(result.size_bytes / 1e6, 3))
