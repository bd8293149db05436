"""The kfp face of coco_eval."""

from kfp import dsl

from components.images import GPU_IMAGE


@dsl.component(base_image=GPU_IMAGE, install_kfp_package=False)
def coco_eval(
    pipeline_config: dsl.Input[dsl.Artifact],
    manifest: dsl.Input[dsl.Dataset],
    checkpoint: dsl.Input[dsl.Model],
    scorer: str,
    run_uri: str,
    evaluation: dsl.Output[dsl.Artifact],
    metrics: dsl.Output[dsl.Metrics],
    report: dsl.Output[dsl.HTML],
) -> None:
    """Detects on the eval split and scores it: metrics.json, both COCO files, HTML report."""
    from pathlib import Path

    from components.coco_eval.step import evaluate, summary_facts
    from components.step import run_step

    with run_step("coco_eval", run_uri) as facts:
        result = evaluate(
            model=checkpoint.path,
            manifest=manifest.path,
            pipeline_config=Path(pipeline_config.path),
            output_dir=Path(evaluation.path),
            report=Path(report.path),
            scorer=scorer or "hotcoco",
        )
        facts.facts.update(summary_facts(result))
        facts.artifacts["evaluation"] = evaluation.path
        facts.keep_report("report", Path(report.path), "evaluation.html")
        for name, value in result.evaluation.metrics.items():
            if value is not None:
                metrics.log_metric(name, round(value, 6))
        if result.evaluation.images_per_second is not None:
            metrics.log_metric("images_per_second", result.evaluation.images_per_second)
