"""The kfp face of model_push."""

from kfp import dsl

from components.images import CPU_IMAGE


@dsl.component(base_image=CPU_IMAGE, install_kfp_package=False)
def model_push(
    exported: dsl.Input[dsl.Model],
    evaluation: dsl.Input[dsl.Artifact],
    verdict: dsl.Input[dsl.Artifact],
    registry_uri: str,
    model_name: str,
    run_uri: str,
    pushed: dsl.Output[dsl.Artifact],
) -> None:
    """Publishes the model to the registry and makes it the champion."""
    from pathlib import Path

    from components.model_push.step import push_model
    from components.step import run_step

    with run_step("model_push", run_uri) as facts:
        facts.artifacts = {"pushed": pushed.uri}
        result = push_model(
            Path(exported.path),
            Path(evaluation.path),
            Path(verdict.path),
            registry_uri,
            model_name,
            run_uri,
            Path(pushed.path),
        )
        facts.facts = result.facts()
        facts.artifacts["model"] = result.pushed.uri
