"""A whole data set of generated street scenes: shards, label map and a record of what it is."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from detection.errors import ConfigError, DataError
from pipeline.data.dataset_record import (
    LABEL_MAP_NAME,
    GeneratedDataset,
    describe,
    find_existing,
    read_record_file,
    write_record_file,
)
from pipeline.data.scenes.looks import Look, find_look
from pipeline.data.scenes.sequences import GENERATOR_VERSION, SPLITS, Frame, SequenceRequest, draw_sequence
from pipeline.data.shard_writing import ShardWriter
from pipeline.data.tf_example_writing import encode_frame

OnProgress = Callable[[int, int], None]
DrawnSequence = list[tuple[Frame, bytes]]
LEAST_SIDE, MOST_SIDE = 64, 4096


def generate_dataset(
    output_dir: str | Path,
    *,
    seed: int,
    train_sequences: int,
    eval_sequences: int,
    frames_per_sequence: int,
    width: int = 640,
    height: int = 640,
    shards: int = 4,
    look: str = "street",
    workers: int | None = None,
    overwrite: bool = False,
    on_progress: OnProgress | None = None,
) -> GeneratedDataset:
    """Draws a data set into ``output_dir``, or finds it there already.

    The same parameters give the same bytes, whatever the number of workers. The folder appears when it is
    complete: until then everything is in a temporary folder beside it.

    Args:
        output_dir: Folder of the data set; made if need be.
        seed: 0 or more; another seed is another town.
        train_sequences: Drives in the training split.
        eval_sequences: Drives in the evaluation split; no drive is in both.
        frames_per_sequence: Pictures of each drive, 0.2 s apart.
        width: Picture width in pixels.
        height: Picture height in pixels.
        shards: Most shards of each split; a drive stays whole within one shard.
        look: ``street`` or ``other``, see ``scenes.looks``.
        workers: Drawing processes; None takes one per core.
        overwrite: Replace another generated data set that is in ``output_dir``.
        on_progress: Called with (pictures done, pictures in all).

    Raises:
        ConfigError: A parameter is out of range.
        DataError: ``output_dir`` holds something else, or cannot be written.
    """
    parameters = {
        "generator_version": GENERATOR_VERSION,
        "seed": seed,
        "train_sequences": train_sequences,
        "eval_sequences": eval_sequences,
        "frames_per_sequence": frames_per_sequence,
        "width": width,
        "height": height,
        "shards": shards,
        "look": look,
    }
    town = find_look(look)
    _check(parameters, workers)
    if "://" in str(output_dir) or ":/" in str(output_dir):
        raise ConfigError(
            "Scenes are drawn into a local folder.",
            field="output_dir",
            found=output_dir,
            expected="a path; copy the shards to the object store afterwards",
        )
    folder = Path(output_dir).absolute()
    try:
        existing = _existing(folder, parameters, overwrite)
        if existing is not None:
            return existing
        with _staging(folder) as staging:
            counts = _draw_splits(staging, parameters, workers, on_progress)
            (staging / LABEL_MAP_NAME).write_text(label_map_text(town), encoding="utf-8")
            write_record_file(staging, parameters, counts)
            _put_in_place(staging, folder)
    except OSError as error:
        raise DataError(
            "The data set cannot be written.",
            file=error.filename or folder,
            found=error.strerror or str(error),
            mend="choose a folder that can be written, on a disk with room (90 kB a picture of 640x640)",
        ) from error
    return describe(folder, parameters, counts, reused=False)


def label_map_text(look: Look) -> str:
    """The label map as the Object Detection API writes it."""
    return "\n".join(f"item {{\n  id: {number}\n  name: '{name}'\n}}\n" for number, name in look.classes)


def _check(parameters: dict[str, Any], workers: int | None) -> None:
    least = {"seed": 0, "train_sequences": 1, "eval_sequences": 1, "frames_per_sequence": 1, "shards": 1}
    for name, lowest in least.items():
        if parameters[name] < lowest:
            raise ConfigError(
                "A number is too small.", field=name, found=parameters[name], expected=f"at least {lowest}"
            )
    for name in ("width", "height"):
        if not LEAST_SIDE <= parameters[name] <= MOST_SIDE:
            expected = f"{LEAST_SIDE} to {MOST_SIDE} pixels"
            raise ConfigError(
                "This picture size cannot be drawn.", field=name, found=parameters[name], expected=expected
            )
    if workers is not None and workers < 1:
        raise ConfigError("A number is too small.", field="workers", found=workers, expected="at least 1")


def _existing(folder: Path, parameters: dict[str, Any], overwrite: bool) -> GeneratedDataset | None:
    try:
        return find_existing(folder, parameters)
    except DataError:
        # Only a folder that says of itself that it was generated is ever replaced.
        if overwrite and read_record_file(folder) is not None:
            return None
        raise


@contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    """A folder beside ``folder`` that is gone afterwards, whatever happens."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".partial", dir=folder.parent))
    staging.chmod(0o755)
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _put_in_place(staging: Path, folder: Path) -> None:
    if not folder.exists() or not any(folder.iterdir()):
        staging.replace(folder)
        return
    with _staging(folder) as aside:
        folder.replace(aside / "replaced")
        staging.replace(folder)


def _draw_splits(
    staging: Path, parameters: dict[str, Any], workers: int | None, on_progress: OnProgress | None
) -> dict[str, Any]:
    requests = _requests(parameters)
    total = sum(request.frames for request in requests)
    done = 0
    with ExitStack() as stack:
        writers = {
            split: ShardWriter(
                staging, split, min(parameters["shards"], parameters[f"{split}_sequences"]), stack
            )
            for split in SPLITS
        }
        drawn = stack.enter_context(_drawing(requests, workers))
        # Results come in the order of the requests, so the shards do not depend on which worker was faster.
        for request, frames in zip(requests, drawn, strict=True):
            for frame, record in frames:
                writers[request.split].write(request.index, request.condition, frame, record)
            done += request.frames
            if on_progress is not None:
                on_progress(done, total)
        for writer in writers.values():
            writer.flush()
    return {split: writer.counts() for split, writer in writers.items()}


def _requests(parameters: dict[str, Any]) -> list[SequenceRequest]:
    return [
        SequenceRequest(
            seed=parameters["seed"],
            split=split,
            index=index,
            frames=parameters["frames_per_sequence"],
            width=parameters["width"],
            height=parameters["height"],
            look=parameters["look"],
        )
        for split in SPLITS
        for index in range(parameters[f"{split}_sequences"])
    ]


@contextmanager
def _drawing(requests: list[SequenceRequest], workers: int | None) -> Iterator[Iterator[DrawnSequence]]:
    count = min(workers or len(os.sched_getaffinity(0)), len(requests))
    if count == 1:
        yield map(_draw, requests)
        return
    # Spawned, not forked: the caller may have TensorFlow's threads running.
    context = multiprocessing.get_context("spawn")
    with context.Pool(count, initializer=_leave_interrupts_to_parent) as pool:
        yield pool.imap(_draw, requests)


def _leave_interrupts_to_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _draw(request: SequenceRequest) -> DrawnSequence:
    """One drive with its records; runs in a worker."""
    # The parent counts boxes and writes records: it has no use for the picture beside the record.
    return [(replace(frame, jpeg=b""), encode_frame(frame)) for frame in draw_sequence(request)]
