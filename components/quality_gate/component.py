"""The kfp face of quality_gate: one unnamed bool, since kfp.local skips a branch on a named output."""

from kfp import dsl

from components.images import CPU_IMAGE


@dsl.component(base_image=CPU_IMAGE, install_kfp_package=False)
def quality_gate(
    evaluation: dsl.Input[dsl.Artifact],
    exported: dsl.Input[dsl.Model],
    registry_uri: str,
    model_name: str,
    policy: str,
    run_uri: str,
    verdict: dsl.Output[dsl.Artifact],
    explanation: dsl.Output[dsl.Markdown],
) -> bool:
    """Whether the model may become the champion; a refusal is a result, not a failure.

    Args:
        evaluation: coco_eval's folder with metrics.json.
        exported: export_model's bundle.
        registry_uri: The registry whose champion is to be beaten.
        model_name: The model in the registry.
        policy: JSON with floors and settings; '' for the default.
        run_uri: The run's folder.
        verdict: verdict.json, for machines.
        explanation: The same for people.
    """
    from pathlib import Path

    from components.quality_gate.step import run_gate, verdict_facts
    from components.step import run_step

    with run_step("quality_gate", run_uri) as facts:
        decision = run_gate(
            evaluation=Path(evaluation.path),
            exported=Path(exported.path),
            registry_uri=registry_uri,
            model_name=model_name,
            policy=policy,
            verdict=Path(verdict.path),
            explanation=Path(explanation.path),
            run_uri=run_uri,
        )
        facts.facts.update(verdict_facts(decision))
        facts.artifacts["verdict"] = verdict.path
        facts.keep_report("report", Path(explanation.path), "quality_gate.md")
        for reason in decision.refusals:
            print(f"quality_gate: refused: {reason.message}", flush=True)
        print(f"quality_gate: {'passed' if decision.passed else 'refused'}", flush=True)
    return decision.passed
