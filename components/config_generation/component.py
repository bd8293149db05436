"""The kfp face of config_generation."""

from kfp import dsl

from components.images import CPU_IMAGE


@dsl.component(base_image=CPU_IMAGE, install_kfp_package=False)
def config_generation(
    base_config: str,
    manifest: dsl.Input[dsl.Dataset],
    data_digest: str,
    parameters: str,
    fine_tune_checkpoint: str,
    fine_tune_checkpoint_type: str,
    run_uri: str,
    pipeline_config: dsl.Output[dsl.Artifact],
    changes: dsl.Output[dsl.Markdown],
) -> None:
    """Makes the run's complete pipeline.config from a base config, the validated data and parameters.

    Args:
        base_config: A shipped base's name, or the path or URI of a pipeline.config.
        manifest: The manifest of the validated data.
        data_digest: The manifest's digest; it makes caching right.
        parameters: What the run asks for, a JSON object.
        fine_tune_checkpoint: What to start from; '' trains from scratch.
        fine_tune_checkpoint_type: classification, detection or full.
        run_uri: The run's folder.
        pipeline_config: The complete config.
        changes: What changed against the base, and why.
    """
    from pathlib import Path

    from components.config_generation.step import generate_pipeline_config
    from components.step import run_step

    with run_step("config_generation", run_uri) as facts:
        try:
            facts.facts = generate_pipeline_config(
                base_config=base_config,
                manifest=manifest.path,
                data_digest=data_digest,
                parameters=parameters,
                fine_tune_checkpoint=fine_tune_checkpoint,
                fine_tune_checkpoint_type=fine_tune_checkpoint_type,
                pipeline_config=pipeline_config.path,
                changes=changes.path,
            )
        finally:
            # It says why, where there is no config.
            facts.keep_report("report", Path(changes.path), "config_changes.md")
        facts.keep_report("pipeline_config", Path(pipeline_config.path), "pipeline.config")
        for warning in facts.facts["warnings"]:
            print(f"config_generation: warning: {warning}")
