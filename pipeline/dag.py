"""The DAG (DESIGN section 4): from labelled images to a published model, or to the reasons why not.

It is compiled to ``pipeline.yaml`` and runs unchanged on Kubeflow Pipelines and, through ``kfp.local``, on one
machine. No ``from __future__ import annotations`` here: kfp reads the annotations.
"""

from kfp import dsl

from components.coco_eval.component import coco_eval
from components.config_generation.component import config_generation
from components.data_validation.component import data_validation
from components.export_model.component import export_model
from components.fine_tune.component import fine_tune
from components.model_push.component import model_push
from components.quality_gate.component import quality_gate
from components.run_record.component import run_record


@dsl.pipeline(
    name="street-detector-training",
    description="Validate the data, fine-tune a detector, evaluate and export it, publish it when it is better.",
)
def street_detector_training(
    run_uri: str,
    train_uri: str,
    eval_uri: str,
    label_map_uri: str,
    base_config: str,
    registry_uri: str,
    model_name: str,
    fine_tune_checkpoint: str = "",
    fine_tune_checkpoint_type: str = "detection",
    num_classes: int = 0,
    validation_policy: str = "",
    training_parameters: str = "{}",
    seed: int = 1,
    checkpoint_every_steps: int = 1000,
    checkpoint_every_seconds: int = 300,
    scorer: str = "hotcoco",
    gate_policy: str = "{}",
    run_parameters: str = "{}",
) -> None:
    """One run of the pipeline.

    Args:
        run_uri: Folder of the run: facts, reports, checkpoints and TensorBoard logs outlive the steps there.
        train_uri: TFRecord shards to train on, as a pattern.
        eval_uri: TFRecord shards to evaluate on, as a pattern.
        label_map_uri: Label map (OD API text proto).
        base_config: A shipped base's name, or the URI of a pipeline.config.
        registry_uri: Registry that a promoted model is published to.
        model_name: The model's name in the registry.
        fine_tune_checkpoint: Zoo archive, folder or checkpoint prefix to start from; '' starts from scratch.
        fine_tune_checkpoint_type: classification, detection or full.
        num_classes: Classes of the model; 0 derives it from the label map.
        validation_policy: Name or URI of the validation policy; '' is the default one.
        training_parameters: config_generation's parameters, a JSON object.
        seed: Seed of the weights, the data order and the augmentation.
        checkpoint_every_steps: Steps between checkpoints.
        checkpoint_every_seconds: Seconds between checkpoints, whichever comes first.
        scorer: hotcoco or pycocotools.
        gate_policy: The gate's floors, a JSON object.
        run_parameters: Everything the run was started with, for its record, a JSON object.
    """
    record = run_record(run_uri=run_uri, parameters=run_parameters)
    record.set_caching_options(False)
    with dsl.ExitHandler(record, name="steps"):
        validation = data_validation(
            train_uri=train_uri,
            eval_uri=eval_uri,
            label_map_uri=label_map_uri,
            num_classes=num_classes,
            policy=validation_policy,
            run_uri=run_uri,
        )
        manifest = validation.outputs["manifest"]
        config = config_generation(
            base_config=base_config,
            manifest=manifest,
            data_digest=validation.outputs["Output"],
            parameters=training_parameters,
            fine_tune_checkpoint=fine_tune_checkpoint,
            fine_tune_checkpoint_type=fine_tune_checkpoint_type,
            run_uri=run_uri,
        )
        pipeline_config = config.outputs["pipeline_config"]
        training = fine_tune(
            pipeline_config=pipeline_config,
            manifest=manifest,
            seed=seed,
            checkpoint_every_steps=checkpoint_every_steps,
            checkpoint_every_seconds=checkpoint_every_seconds,
            run_uri=run_uri,
        )
        checkpoint = training.outputs["checkpoint"]
        evaluation = coco_eval(
            pipeline_config=pipeline_config,
            manifest=manifest,
            checkpoint=checkpoint,
            scorer=scorer,
            run_uri=run_uri,
        )
        exported = export_model(
            pipeline_config=pipeline_config,
            manifest=manifest,
            checkpoint=checkpoint,
            evaluation=evaluation.outputs["evaluation"],
            run_uri=run_uri,
        )
        gate = quality_gate(
            evaluation=evaluation.outputs["evaluation"],
            exported=exported.outputs["exported"],
            registry_uri=registry_uri,
            model_name=model_name,
            policy=gate_policy,
            run_uri=run_uri,
        )
        # The single unnamed output: kfp.local skips a branch on a named one in silence and calls it success.
        with dsl.If(gate.outputs["Output"] == True, name="promoted"):  # noqa: E712
            model_push(
                exported=exported.outputs["exported"],
                evaluation=evaluation.outputs["evaluation"],
                verdict=gate.outputs["verdict"],
                registry_uri=registry_uri,
                model_name=model_name,
                run_uri=run_uri,
            )
        # Each step's facts name this run, so a cached step of another run would leave this one without them.
        for task in (validation, config, training, evaluation, exported, gate):
            task.set_caching_options(False)
