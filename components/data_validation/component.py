"""The kfp face of data_validation."""

from kfp import dsl

from components.images import CPU_IMAGE


@dsl.component(base_image=CPU_IMAGE, install_kfp_package=False)
def data_validation(
    train_uri: str,
    eval_uri: str,
    label_map_uri: str,
    num_classes: int,
    policy: str,
    run_uri: str,
    manifest: dsl.Output[dsl.Dataset],
    statistics: dsl.Output[dsl.Artifact],
    findings: dsl.Output[dsl.Artifact],
    report: dsl.Output[dsl.HTML],
) -> str:
    """Refuses data that would spoil training; returns the digest of the data."""
    from pathlib import Path

    from components.data_validation.result import require_pass
    from components.data_validation.step import ValidationOutputs, ValidationRequest, validate_data
    from components.step import run_step

    with run_step("data_validation", run_uri) as facts:
        facts.artifacts = {
            "manifest": manifest.uri,
            "statistics": statistics.uri,
            "findings": findings.uri,
        }
        outputs = ValidationOutputs(
            Path(manifest.path), Path(statistics.path), Path(findings.path), Path(report.path)
        )
        request = ValidationRequest(train_uri, eval_uri, label_map_uri, num_classes, policy)
        result = validate_data(request, outputs)
        facts.facts = result.facts()
        facts.keep_report("report", outputs.report, "data_validation.html")
        require_pass(result, facts.artifacts["report"])
        digest = result.manifest.digest
    return digest
