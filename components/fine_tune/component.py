"""The kfp face of fine_tune."""

from kfp import dsl

from components.images import GPU_IMAGE


@dsl.component(base_image=GPU_IMAGE, install_kfp_package=False)
def fine_tune(
    pipeline_config: dsl.Input[dsl.Artifact],
    manifest: dsl.Input[dsl.Dataset],
    seed: int,
    checkpoint_every_steps: int,
    checkpoint_every_seconds: int,
    run_uri: str,
    checkpoint: dsl.Output[dsl.Model],
    metrics: dsl.Output[dsl.Metrics],
    curves: dsl.Output[dsl.HTML],
) -> None:
    """Trains the detector; run again after an interruption it goes on from its last working checkpoint.

    Args:
        pipeline_config: The complete config.
        manifest: The manifest of the validated data.
        seed: Seed of the starting weights, the data order and the augmentation.
        checkpoint_every_steps: Steps between working checkpoints; 0: not by steps.
        checkpoint_every_seconds: Seconds between working checkpoints; 0: not by time.
        run_uri: The run's folder; working checkpoints and TensorBoard logs live in it.
        checkpoint: The trained model: checkpoint/ckpt-0 and pipeline.config.
        metrics: The final losses and the speed.
        curves: Loss, learning rate and speed over the steps.
    """
    from pathlib import Path

    from detection.process_tuning import train_with_onednn

    train_with_onednn()
    from components.fine_tune.step import fine_tune as run_fine_tune
    from components.step import run_step
    from storage import join

    with run_step("fine_tune", run_uri) as facts:
        facts.artifacts["checkpoint"] = checkpoint.uri
        facts.artifacts["tensorboard"] = join(run_uri, "tensorboard")
        try:
            facts.facts = run_fine_tune(
                pipeline_config=Path(pipeline_config.path),
                manifest=Path(manifest.path),
                work_dir=run_uri,
                output_dir=Path(checkpoint.path),
                curves=Path(curves.path),
                seed=seed,
                checkpoint_every_steps=checkpoint_every_steps,
                checkpoint_every_seconds=checkpoint_every_seconds,
            )
        finally:
            facts.keep_report("curves", Path(curves.path), "training_curves.html")
        for name, value in facts.facts["losses"].items():
            metrics.log_metric(name, value)
        metrics.log_metric("steps", facts.facts["steps"])
        if facts.facts["images_per_second"] is not None:
            metrics.log_metric("images_per_second", facts.facts["images_per_second"])
