"""Run files (``configs/runs/*.yaml``): every parameter of a run, typed, with unknown keys refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from configs import CONFIGS_DIR
from detection.errors import ConfigError

RUNS_DIR = CONFIGS_DIR / "runs"


class Section(BaseModel):
    """A part of a run file: immutable, and strict about its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Scenes(Section):
    """Street scenes drawn by ``urbandet data generate``, instead of the team's own shards."""

    seed: int = Field(default=1, ge=0)
    train_sequences: int = Field(default=48, ge=1)
    eval_sequences: int = Field(default=12, ge=1)
    frames_per_sequence: int = Field(default=5, ge=1)
    width: int = Field(default=640, ge=64)
    height: int = Field(default=640, ge=64)
    shards: int = Field(default=4, ge=1)
    look: str = "street"


class Data(Section):
    """What to train and evaluate on."""

    train: str = ""
    eval: str = ""
    label_map: str = ""
    validation_policy: str = ""
    scenes: Scenes | None = None


class Model(Section):
    """The detector and what it starts from."""

    base_config: str = "ssd_mobilenet_v2_fpnlite_640x640"
    fine_tune_checkpoint: str = ""
    fine_tune_checkpoint_type: str = "detection"
    num_classes: int = Field(default=0, ge=0)


class Training(Section):
    """How long, and how often to save; ``parameters`` goes to config generation, which explains each."""

    parameters: dict[str, Any] = Field(default_factory=dict)
    seed: int = Field(default=1, ge=0)
    checkpoint_every_steps: int = Field(default=1000, ge=1)
    checkpoint_every_seconds: int = Field(default=300, ge=1)


class Evaluation(Section):
    """How detections are scored."""

    scorer: str = "hotcoco"


class Publish(Section):
    """Where a model that passes the gate goes."""

    registry: str = "runs/registry"
    model_name: str = "street-detector"


class RunFile(Section):
    """A whole run."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,40}$")
    data: Data
    model: Model = Model()
    training: Training = Training()
    evaluation: Evaluation = Evaluation()
    gate: dict[str, Any] = Field(default_factory=dict)
    publish: Publish = Publish()


def load_run_file(path: Path, settings: tuple[str, ...] = ()) -> RunFile:
    """Reads a run file and applies ``--set`` values.

    Args:
        path: A file, or the name of one that ships with the product (``demo``).
        settings: ``key.key=value`` each; the value is YAML.

    Raises:
        ConfigError: Missing file, unknown or wrong key; names each one.
    """
    file = find_run_file(path)
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ConfigError("The run file is not valid YAML", file=file, found=error) from None
    if not isinstance(content, dict):
        raise ConfigError("The run file is empty or not a mapping", file=file, expected="name:, data:, ...")
    for setting in settings:
        apply_setting(content, setting)
    try:
        run = RunFile.model_validate(content)
    except ValidationError as error:
        raise _explain(error, file) from None
    _check_data(run, file)
    return run


def find_run_file(path: Path) -> Path:
    """The file itself, or the shipped one of that name."""
    if path.is_file():
        return path
    shipped = RUNS_DIR / f"{path.name.removesuffix('.yaml')}.yaml"
    if shipped.is_file() and path.parent in (Path(), Path("configs/runs")):
        return shipped
    names = ", ".join(sorted(file.stem for file in RUNS_DIR.glob("*.yaml")))
    raise ConfigError("There is no such run file", file=path, expected=f"a path, or one of: {names}")


def apply_setting(content: dict[str, Any], setting: str) -> None:
    """Puts one ``key.key=value`` into the run file's content."""
    key, separator, value = setting.partition("=")
    if not separator or not key:
        raise ConfigError(
            "A setting needs a key and a value", field="--set", found=setting, expected="key=value"
        )
    *parents, last = key.strip().split(".")
    place = content
    for parent in parents:
        inner = place.get(parent)
        if inner is None:
            inner = place[parent] = {}
        if not isinstance(inner, dict):
            raise ConfigError("A setting goes below a plain value", field=key, found=f"{parent}: {inner!r}")
        place = inner
    place[last] = yaml.safe_load(value) if value else ""


def _explain(error: ValidationError, file: Path) -> ConfigError:
    """Every problem of a run file in one message, with the valid keys where one is unknown."""
    lines = []
    for problem in error.errors():
        where = ".".join(str(part) for part in problem["loc"])
        message = problem["msg"]
        if problem["type"] == "extra_forbidden":
            message = f"unknown key; valid here: {', '.join(_valid_keys(problem['loc'][:-1]))}"
        lines.append(f"{where}: {message}, found {problem['input']!r}")
    return ConfigError("The run file has wrong values", file=file, found="\n    ".join(["", *lines]))


def _valid_keys(location: tuple[int | str, ...]) -> list[str]:
    model: Any = RunFile
    for part in location:
        annotation = model.model_fields[str(part)].annotation
        candidates = [annotation, *getattr(annotation, "__args__", ())]
        model = next(one for one in candidates if isinstance(one, type) and issubclass(one, BaseModel))
    return sorted(model.model_fields)


def _check_data(run: RunFile, file: Path) -> None:
    own = {"data.train": run.data.train, "data.eval": run.data.eval, "data.label_map": run.data.label_map}
    given = {name for name, value in own.items() if value}
    if run.data.scenes is not None and given:
        raise ConfigError(
            "Both generated scenes and own data are given",
            file=file,
            field=", ".join(sorted(given)),
            mend="remove data.scenes (--set data.scenes=null), or the patterns",
        )
    if run.data.scenes is None and len(given) < len(own):
        raise ConfigError(
            "The run has no data",
            file=file,
            field=", ".join(sorted(set(own) - given)),
            expected="patterns of TFRecord shards and a label map",
            mend="set them, for example --set data.train='shards/train-*.tfrecord'",
        )


def absolute_uri(uri: str) -> str:
    """A plain path made absolute, since each step runs in a folder of its own; an URI as it is."""
    return uri if not uri or "://" in uri else str(Path(uri).expanduser().absolute())


def absolute_if_path(value: str) -> str:
    """A path made absolute when there is such a file or folder; a shipped name or an URI as it is."""
    return absolute_uri(value) if value and (Path(value).exists() or "/" in value) else value


def pipeline_arguments(run: RunFile, run_uri: str, data: Data) -> dict[str, Any]:
    """The DAG's arguments for a run.

    Args:
        run: The run file.
        run_uri: The run's folder.
        data: The data to use: the run file's own, or where the generated scenes stand.
    """
    return {
        "run_uri": run_uri,
        "train_uri": absolute_uri(data.train),
        "eval_uri": absolute_uri(data.eval),
        "label_map_uri": absolute_uri(data.label_map),
        "base_config": absolute_if_path(run.model.base_config),
        "registry_uri": absolute_uri(run.publish.registry),
        "model_name": run.publish.model_name,
        "fine_tune_checkpoint": absolute_if_path(run.model.fine_tune_checkpoint),
        "fine_tune_checkpoint_type": run.model.fine_tune_checkpoint_type,
        "num_classes": run.model.num_classes,
        "validation_policy": absolute_if_path(run.data.validation_policy),
        "training_parameters": json.dumps(_training_parameters(run), sort_keys=True),
        "seed": run.training.seed,
        "checkpoint_every_steps": run.training.checkpoint_every_steps,
        "checkpoint_every_seconds": run.training.checkpoint_every_seconds,
        "scorer": run.evaluation.scorer,
        "gate_policy": json.dumps(run.gate, sort_keys=True),
        "run_parameters": json.dumps(run.model_dump(), sort_keys=True),
    }


def _training_parameters(run: RunFile) -> dict[str, Any]:
    """Config generation's parameters; the class count is said once, for it and for the data's validation."""
    if run.model.num_classes == 0:
        return run.training.parameters
    return {"num_classes": run.model.num_classes, **run.training.parameters}
