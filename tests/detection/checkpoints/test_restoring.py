"""Warm starts: what is restored, what is not, and which files are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import trackable_object_graph_pb2

from detection.checkpoints.object_graph import CheckpointFile
from detection.checkpoints.restoring import (
    RestoreReport,
    object_paths,
    restore_for_fine_tuning,
    restore_model,
    variable_name,
)
from detection.checkpoints.saving import save_model_checkpoint
from detection.config import pipeline_pb2 as pb
from detection.config.reading import load_pipeline_config
from detection.errors import CheckpointError, ConfigError
from detection.network.network import SsdNetwork

MakeSsd = Callable[[], pb.Ssd]


def make(ssd: pb.Ssd, seed: int = 0) -> SsdNetwork:
    network = SsdNetwork(ssd, is_training=True, seed=seed)
    generator = np.random.default_rng(seed)
    for variable in network.moving_statistics:
        variable.assign(generator.uniform(0.5, 1.5, variable.shape).astype(np.float32))
    return network


def resnet(ssd: pb.Ssd) -> pb.Ssd:
    ssd.feature_extractor.type = "ssd_resnet50_v1_fpn_keras"
    ssd.feature_extractor.depth_multiplier = 0.05
    return ssd


def values(network: SsdNetwork) -> dict[str, np.ndarray]:
    return {variable_name(variable): variable.numpy() for variable in network.variables}


def names(variables: object) -> set[str]:
    return {variable_name(variable) for variable in variables}  # type: ignore[attr-defined]


def check_report(report: RestoreReport, before: SsdNetwork, after: SsdNetwork, fresh: SsdNetwork) -> None:
    """Restored variables hold the file's values, initialised ones their own; each is in one of the two."""
    own, new, start = values(before), values(after), values(fresh)
    assert sorted(report.restored + report.initialised) == sorted(new)
    for name in report.restored:
        np.testing.assert_array_equal(new[name], own[name], err_msg=name)
    for name in report.initialised:
        np.testing.assert_array_equal(new[name], start[name], err_msg=name)


@pytest.mark.parametrize("kind", ["mobilenet", "resnet"])
def test_round_trip(tiny_ssd: MakeSsd, tmp_path: Path, kind: str) -> None:
    ssd = resnet(tiny_ssd()) if kind == "resnet" else tiny_ssd()
    saved, fresh = make(ssd, 1), make(ssd, 2)
    prefix = save_model_checkpoint(saved, tmp_path / "checkpoint")
    assert Path(prefix).name == "ckpt-0" and (tmp_path / "checkpoint" / "checkpoint").is_file()
    report = restore_model(fresh, prefix)
    assert report.initialised == report.left_over == ()
    check_report(report, saved, fresh, fresh)


def test_saved_keys(tiny_ssd: MakeSsd, tmp_path: Path) -> None:
    prefix = save_model_checkpoint(make(tiny_ssd()), tmp_path)
    roots = {found.key.split("/")[0] for found in CheckpointFile(prefix).variables()}
    assert roots == {"model", "save_counter"}


def test_detection_restores_the_extractor_only(tiny_ssd: MakeSsd, tmp_path: Path) -> None:
    saved = make(tiny_ssd(), 1)
    prefix = save_model_checkpoint(saved, tmp_path)
    other = tiny_ssd()
    other.num_classes = 7
    network, fresh = make(other, 2), make(other, 2)
    report = restore_for_fine_tuning(network, prefix, "detection")
    extractor = network._feature_extractor
    assert set(report.restored) == names([*extractor.trainable(), *extractor.moving()])
    assert all(name.startswith("WeightSharedConvolutionalBoxPredictor/") for name in report.initialised)
    assert set(report.left_over) == set(report.initialised)
    check_report(report, saved, network, fresh)


def test_counts_of_the_full_size_model(shared_dir: Path, tmp_path: Path) -> None:
    """290 of 384 variables for detection, 260 for classification (OD_API_SPEC section 8.6)."""
    folder = shared_dir / "golden" / "mobilenet"
    ssd = load_pipeline_config(folder / "pipeline.config").model.ssd
    network = make(ssd)
    report = restore_for_fine_tuning(network, str(folder / "ckpt" / "ckpt-0"), "detection")
    assert (len(report.restored), len(report.initialised), len(report.left_over)) == (290, 94, 94)
    backbone = network._feature_extractor.classification_backbone
    prefix = tf.train.Checkpoint(feature_extractor=backbone).write(str(tmp_path / "backbone"))
    report = restore_for_fine_tuning(make(ssd, 1), prefix, "classification")
    assert (len(report.restored), len(report.left_over)) == (260, 0)
    report = restore_for_fine_tuning(make(ssd, 1), str(folder / "ckpt" / "ckpt-0"), "full")
    assert (len(report.restored), len(report.initialised), len(report.left_over)) == (384, 0, 0)


def test_classification_restores_the_backbone(tiny_ssd: MakeSsd, tmp_path: Path) -> None:
    saved = make(tiny_ssd(), 1)
    backbone = saved._feature_extractor.classification_backbone
    prefix = tf.train.Checkpoint(feature_extractor=backbone).write(str(tmp_path / "backbone"))
    network, fresh = make(tiny_ssd(), 2), make(tiny_ssd(), 2)
    report = restore_for_fine_tuning(network, prefix, "classification")
    assert len(report.restored) == 260 and report.left_over == ()
    check_report(report, saved, network, fresh)


def test_full_restores_everything_from_a_training_checkpoint(tiny_ssd: MakeSsd, tmp_path: Path) -> None:
    """Step, optimizer slots and counters are not reported as left over."""
    saved = make(tiny_ssd(), 1)
    optimizer = tf.Module()
    optimizer.momentum = tf.Variable(0.9)
    checkpoint = tf.train.Checkpoint(step=tf.Variable(5), model=saved, optimizer=optimizer)
    network = make(tiny_ssd(), 2)
    report = restore_for_fine_tuning(network, checkpoint.save(str(tmp_path / "ckpt")), "full")
    assert report.initialised == report.left_over == ()
    check_report(report, saved, network, network)


def test_class_mismatch_names_both_shapes_and_the_way_out(tiny_ssd: MakeSsd, tmp_path: Path) -> None:
    prefix = save_model_checkpoint(make(tiny_ssd(), 1), tmp_path)
    other = tiny_ssd()
    other.num_classes = 7
    network, fresh = make(other, 2), make(other, 2)
    for restore in (
        lambda: restore_for_fine_tuning(network, prefix, "full"),
        lambda: restore_model(network, prefix),
    ):
        with pytest.raises(CheckpointError, match="another architecture") as raised:
            restore()
        found = raised.value.details["found"]
        assert "ClassPredictor" in found and "[1, 1, 8, 24]" in found and "[1, 1, 8, 48]" in found
        assert "detection" in raised.value.details["mend"]
    start = values(fresh)
    for name, value in values(network).items():
        np.testing.assert_array_equal(value, start[name], err_msg="nothing may be half restored")


def test_other_architectures_are_refused(tiny_ssd: MakeSsd, tmp_path: Path) -> None:
    prefix = save_model_checkpoint(make(tiny_ssd()), tmp_path / "mobilenet")
    with pytest.raises(CheckpointError, match="another architecture") as raised:
        restore_for_fine_tuning(make(resnet(tiny_ssd())), prefix, "detection")
    assert "conv1_conv/kernel" in raised.value.details["found"] and "more" in raised.value.details["found"]
    wider = tiny_ssd()
    wider.feature_extractor.depth_multiplier = 1.0
    with pytest.raises(CheckpointError, match="Conv1/kernel"):
        restore_for_fine_tuning(make(wider), prefix, "detection")


def test_restore_model_refuses_a_larger_model(tiny_ssd: MakeSsd, tmp_path: Path) -> None:
    """A file with a level or a tower layer more is another model, even if all of ours is in it."""
    prefix = save_model_checkpoint(make(tiny_ssd()), tmp_path)
    smaller = tiny_ssd()
    smaller.feature_extractor.fpn.max_level = 6
    with pytest.raises(CheckpointError, match="has not") as raised:
        restore_model(make(smaller), prefix)
    assert "bottom_up_Conv2d_21" in str(raised.value) or "feature_4" in str(raised.value)


def test_kinds_of_files_that_do_not_fit_the_type(tiny_ssd: MakeSsd, tmp_path: Path) -> None:
    network = make(tiny_ssd())
    detection = save_model_checkpoint(network, tmp_path)
    backbone = network._feature_extractor.classification_backbone
    classification = tf.train.Checkpoint(feature_extractor=backbone).write(str(tmp_path / "backbone"))
    other = tf.train.Checkpoint(something=tf.Variable(1.0)).write(str(tmp_path / "other"))
    for prefix, kind, mend in (
        (classification, "detection", "classification"),
        (classification, "full", "classification"),
        (detection, "classification", "detection"),
        (other, "detection", "zoo"),
    ):
        with pytest.raises(CheckpointError, match="does not fit the type") as raised:
            restore_for_fine_tuning(network, prefix, kind)
        assert mend in raised.value.details["mend"]


@pytest.mark.parametrize("kind", ["", "fine_tune", "Detection"])
def test_unknown_types(tiny_ssd: MakeSsd, tmp_path: Path, kind: str) -> None:
    network = make(tiny_ssd())
    prefix = save_model_checkpoint(network, tmp_path)
    with pytest.raises(ConfigError, match="not supported"):
        restore_for_fine_tuning(network, prefix, kind)


def test_name_based_checkpoints_are_refused(tiny_ssd: MakeSsd, tmp_path: Path) -> None:
    prefix = str(tmp_path / "model.ckpt")
    tf.raw_ops.SaveV2(
        prefix=prefix, tensor_names=["Conv1/weights"], shape_and_slices=[""], tensors=[tf.ones([2])]
    )
    with pytest.raises(CheckpointError, match="TensorFlow 1"):
        restore_model(make(tiny_ssd()), prefix)


def test_missing_and_damaged_files(tiny_ssd: MakeSsd, tmp_path: Path) -> None:
    network = make(tiny_ssd())
    with pytest.raises(CheckpointError, match="no such checkpoint"):
        restore_model(network, str(tmp_path / "none"))
    prefix = save_model_checkpoint(network, tmp_path)
    data = Path(f"{prefix}.data-00000-of-00001")
    whole, before = data.read_bytes(), values(network)
    data.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match="cannot be read"):
        restore_model(network, prefix)
    damaged = bytearray(whole)
    damaged[len(whole) // 3] ^= 0xFF
    data.write_bytes(bytes(damaged))
    with pytest.raises(CheckpointError, match="cannot be read"):
        restore_model(network, prefix)
    Path(f"{prefix}.index").write_bytes(b"not an index")
    with pytest.raises(CheckpointError, match="cannot be read"):
        restore_model(network, prefix)
    assert all(np.array_equal(before[name], value) for name, value in values(network).items())


def test_damaged_object_graph(tiny_ssd: MakeSsd, tmp_path: Path) -> None:
    network = make(tiny_ssd())
    prefix = save_model_checkpoint(network, tmp_path)

    def point_nowhere(graph: trackable_object_graph_pb2.TrackableObjectGraph) -> None:
        graph.nodes[0].children[0].node_id = 10**6

    with pytest.raises(CheckpointError, match="cannot be read"):
        restore_model(network, rewrite_graph(prefix, point_nowhere))


def test_values_that_are_not_finite_are_refused(tiny_ssd: MakeSsd, tmp_path: Path) -> None:
    saved = make(tiny_ssd())
    broken = saved.trainable_variables[-1]
    broken.assign(tf.fill(broken.shape, np.nan))
    prefix = save_model_checkpoint(saved, tmp_path)
    with pytest.raises(CheckpointError, match="not finite") as raised:
        restore_model(make(tiny_ssd()), prefix)
    assert raised.value.details["field"] == variable_name(broken)


def rewrite_graph(
    prefix: str, change: Callable[[trackable_object_graph_pb2.TrackableObjectGraph], None]
) -> str:
    """Writes a copy of a checkpoint with another object graph."""
    reader = tf.train.load_checkpoint(prefix)
    key = "_CHECKPOINTABLE_OBJECT_GRAPH"
    tensors = {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}
    graph = trackable_object_graph_pb2.TrackableObjectGraph.FromString(tensors[key])
    change(graph)
    tensors[key] = graph.SerializeToString()
    copy = f"{prefix}-rewritten"
    tf.raw_ops.SaveV2(
        prefix=copy,
        tensor_names=list(tensors),
        shape_and_slices=[""] * len(tensors),
        tensors=[tf.constant(value) for value in tensors.values()],
    )
    return copy


def test_other_layer_numbers_are_found_by_name(tiny_ssd: MakeSsd, tmp_path: Path) -> None:
    """A shortcut and the convolution beside it have equal shapes: swapped numbers must not swap weights."""
    saved = make(resnet(tiny_ssd()), 1)
    prefix = save_model_checkpoint(saved, tmp_path)

    def swap(graph: trackable_object_graph_pb2.TrackableObjectGraph) -> None:
        exchanged = {
            "layer_with_weights-6": "layer_with_weights-7",
            "layer_with_weights-7": "layer_with_weights-6",
        }
        for node in graph.nodes:
            for child in node.children:
                child.local_name = exchanged.get(child.local_name, child.local_name)

    network = make(resnet(tiny_ssd()), 2)
    check_report(restore_model(network, rewrite_graph(prefix, swap)), saved, network, network)


def test_extractor_names_may_carry_a_number_and_paths_may_differ(tiny_ssd: MakeSsd, tmp_path: Path) -> None:
    saved = make(tiny_ssd(), 1)
    prefix = save_model_checkpoint(saved, tmp_path)
    scope = "ssd_mobile_net_v2_fpn_keras_feature_extractor"

    def rename(graph: trackable_object_graph_pb2.TrackableObjectGraph) -> None:
        for node in graph.nodes:
            for child in node.children:
                child.local_name = child.local_name.replace("residual_blocks", "lateral_blocks")
            for attribute in node.attributes:
                attribute.full_name = attribute.full_name.replace(scope, f"{scope}_3")

    network = make(tiny_ssd(), 2)
    check_report(restore_model(network, rewrite_graph(prefix, rename)), saved, network, network)


def test_files_without_names_are_matched_by_path(tiny_ssd: MakeSsd, tmp_path: Path) -> None:
    saved = make(tiny_ssd(), 1)
    prefix = save_model_checkpoint(saved, tmp_path)

    def forget(graph: trackable_object_graph_pb2.TrackableObjectGraph) -> None:
        for node in graph.nodes:
            for attribute in node.attributes:
                attribute.full_name = ""

    network = make(tiny_ssd(), 2)
    check_report(restore_model(network, rewrite_graph(prefix, forget)), saved, network, network)


def test_object_paths_cover_every_variable_once(tiny_ssd: MakeSsd) -> None:
    network = make(tiny_ssd())
    paths = object_paths(network)
    assert len(paths) == len(network.variables)
    assert names(paths.values()) == names(network.variables)
    assert all(path[0] in ("_feature_extractor", "_box_predictor") for path in paths)
