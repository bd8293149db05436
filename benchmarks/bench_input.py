"""How fast the training input is: images/s with and without augmentation, against parsing and decoding alone.

    python benchmarks/bench_input.py [TFRECORD ...] [--size 640] [--rounds 5] [--batches 40]

The variants run in turns in one process, so that a busy machine slows all of them. ``CPU ms`` is processor
time per image over all threads, which other processes change less.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# As in the product (detection.process_tuning), which must speak before TensorFlow is imported.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import tensorflow as tf
from google.protobuf import text_format

from detection.config import pipeline_pb2 as pb
from detection.image_resizing import resize
from detection.input.train_dataset import build_train_dataset, input_options
from detection.network.preprocessing import normalize
from pipeline.data.generate import generate_dataset

EXTRACTORS = {"mobilenet": "ssd_mobilenet_v2_fpn_keras", "resnet50": "ssd_resnet50_v1_fpn_keras"}
STEPS = {
    "flip": "random_horizontal_flip {}",
    "crop": """random_crop_image {
        min_object_covered: 0 overlap_thresh: 0
        min_aspect_ratio: 0.75 max_aspect_ratio: 3 min_area: 0.75 max_area: 1
    }""",
    "brightness": "random_adjust_brightness { max_delta: 0.05 }",
    "patches": "random_black_patches { max_black_patches: 10 probability: 0.5 size_to_image_ratio: 0.1 }",
}


def _config(steps: list[str], size: int, extractor: str) -> Any:
    text = f"""
        model {{ ssd {{
            num_classes: 4
            feature_extractor {{ type: "{EXTRACTORS[extractor]}" }}
            image_resizer {{ fixed_shape_resizer {{ height: {size} width: {size} }} }}
        }} }}
        train_input_reader {{ shuffle_buffer_size: 256 }}
    """
    config = text_format.Parse(text, pb.TrainEvalPipelineConfig())
    for step in steps:
        options = f"data_augmentation_options {{ {STEPS[step]} }}"
        config.train_config.MergeFrom(text_format.Parse(options, pb.TrainConfig()))
    return config


def _ours(files: list[str], steps: list[str], size: int, batch: int, extractor: str) -> tf.data.Dataset:
    config = _config(steps, size, extractor)
    ssd = config.model.ssd

    def preprocess(image: Any) -> Any:
        return resize(normalize(image, ssd.feature_extractor.type), ssd.image_resizer)

    return build_train_dataset(
        config,
        files=files,
        label_map=None,
        preprocess=preprocess,
        image_shape=(size, size),
        batch_size=batch,
        seed=1,
    )


def _decode_only(files: list[str], batch: int) -> tf.data.Dataset:
    """Parsing and decoding, nothing kept but one pixel: what no input can be faster than."""

    def decode(serialized: Any) -> Any:
        schema = {"image/encoded": tf.io.FixedLenFeature([], tf.string)}
        return tf.io.decode_jpeg(tf.io.parse_single_example(serialized, schema)["image/encoded"], channels=3)[
            0, 0
        ]

    records = tf.data.TFRecordDataset(files).cache().repeat().map(decode, num_parallel_calls=tf.data.AUTOTUNE)
    return records.batch(batch).prefetch(2).with_options(input_options())


def _measure(iterator: Iterator[Any], batches: int, batch: int) -> tuple[float, float]:
    """Images/s and processor milliseconds per image."""
    started, processor = time.perf_counter(), time.process_time()
    for _ in range(batches):
        next(iterator)
    seconds, processor_seconds = time.perf_counter() - started, time.process_time() - processor
    return batches * batch / seconds, processor_seconds / (batches * batch) * 1000


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="*", help="TFRecords with JPEG images; none: street scenes are drawn")
    parser.add_argument("--size", type=int, default=640)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--batches", type=int, default=40, help="batches per variant and round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--extractor", choices=sorted(EXTRACTORS), default="mobilenet")
    parser.add_argument("--each", action="store_true", help="also each augmentation alone")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        options.files = options.files or _draw_scenes(Path(folder), options.size)
        _compare(options)


def _draw_scenes(folder: Path, size: int) -> list[str]:
    """Shards of street scenes, for when no files are named."""
    scenes = generate_dataset(
        folder / "scenes",
        seed=1,
        train_sequences=20,
        eval_sequences=1,
        frames_per_sequence=4,
        width=size,
        height=size,
    )
    return sorted(str(file) for file in Path(scenes.folder).glob("train-*"))


def _compare(options: argparse.Namespace) -> None:
    make: dict[str, Callable[[], tf.data.Dataset]] = {
        "decode only": lambda: _decode_only(options.files, options.batch)
    }
    combinations = {
        "no augmentation": [],
        **({s: [s] for s in STEPS} if options.each else {}),
        "all four": list(STEPS),
    }
    for name, steps in combinations.items():
        make[name] = lambda steps=steps: _ours(
            options.files, steps, options.size, options.batch, options.extractor
        )
    iterators = {name: iter(build()) for name, build in make.items()}
    results: dict[str, list[tuple[float, float]]] = {name: [] for name in make}
    for iterator in iterators.values():
        _measure(iterator, 6, options.batch)
    for _ in range(options.rounds):
        for name, iterator in iterators.items():
            # What a waiting dataset had prefetched is not counted.
            _measure(iterator, 6, options.batch)
            results[name].append(_measure(iterator, options.batches, options.batch))
    print(f"{'variant':20} {'images/s':>10} {'CPU ms':>8}")
    for name, rows in results.items():
        speed, processor = (statistics.median(column) for column in zip(*rows, strict=True))
        print(f"{name:20} {speed:10.0f} {processor:8.2f}")


if __name__ == "__main__":
    main()
