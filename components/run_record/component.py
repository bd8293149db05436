"""The kfp face of run_record: the exit task, which runs whatever happened before it."""

from kfp import dsl

from components.images import CPU_IMAGE


@dsl.component(base_image=CPU_IMAGE, install_kfp_package=False)
def run_record(run_uri: str, parameters: str, status: dsl.PipelineTaskFinalStatus) -> None:
    """Gathers what every step did into <run_uri>/run.json.

    Args:
        run_uri: The run's folder.
        parameters: Everything the run was started with, as a JSON object.
        status: How the steps before ended; the orchestrator fills it in.
    """
    import json

    from components.run_record.record import write_record

    record = write_record(run_uri, json.loads(parameters), status.state)
    print(f"run_record: {record['state']}: {run_uri}/run.json")
