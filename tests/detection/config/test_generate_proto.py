"""The made ``pipeline_pb2.py`` is the one that ``pipeline.proto`` gives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool

from detection.config import pipeline_pb2 as pb
from detection.config.generate_proto import OLDEST_RUNTIME, file_descriptor_set, generate

grpc_tools = pytest.importorskip("grpc_tools", reason="grpcio-tools (the dev extra) is not installed")


def test_the_committed_file_is_fresh(project_root: Path) -> None:
    compiled = descriptor_pb2.FileDescriptorSet.FromString(file_descriptor_set(project_root)).file[0]
    for message in every(compiled.message_type):
        for field in message.field:
            field.ClearField("json_name")
    # Through a pool, as the committed one went: it writes float defaults in its own way.
    pool = descriptor_pool.DescriptorPool()
    pool.Add(compiled)
    fresh = pool.FindFileByName(compiled.name).serialized_pb
    assert fresh == pb.DESCRIPTOR.serialized_pb, "run python -m detection.config.generate_proto"


def every(messages: Any) -> Iterator[Any]:
    for message in messages:
        yield message
        yield from every(message.nested_type)


def test_the_compiler_runs_beside_tensorflow(project_root: Path) -> None:
    """It once crashed the process, wherever a test before had imported TensorFlow."""
    import tensorflow  # noqa: F401

    assert file_descriptor_set(project_root)


def test_what_is_generated_runs_on_the_oldest_protobuf_allowed(project_root: Path, tmp_path: Path) -> None:
    generate(project_root, tmp_path)
    made = (tmp_path / "detection/config/pipeline_pb2.py").read_text(encoding="utf-8")
    assert "\n".join(f"    {number}," for number in OLDEST_RUNTIME) in made
    assert (
        (tmp_path / "detection/config/pipeline_pb2.pyi")
        .read_text(encoding="utf-8")
        .startswith("# ruff: noqa")
    )
