from __future__ import annotations

import json
from pathlib import Path

import pytest

from components.config_generation.start_checkpoint import CHECKPOINTS_DIR, SUFFIX, find_start_checkpoint
from configs import CONFIGS_DIR
from detection.checkpoints.archive import resolve_checkpoint
from detection.checkpoints.restoring import restore_for_fine_tuning, restore_model
from detection.checkpoints.saving import save_model_checkpoint
from detection.config.reading import format_pipeline_config, load_pipeline_config
from detection.detector import SsdDetector
from pipeline.demo_checkpoint import LARGEST_BYTES, NAME, UNSET_PATH, pack_checkpoint

SHIPPED = CHECKPOINTS_DIR / f"{NAME}{SUFFIX}"


@pytest.fixture(scope="module")
def demo_config():
    return load_pipeline_config(CONFIGS_DIR / "models" / "demo_mobilenet_v2_fpnlite_320x320.config")


@pytest.fixture
def trained(tmp_path: Path, demo_config) -> Path:
    folder = tmp_path / "trained"
    detector = SsdDetector(demo_config.model, is_training=False, seed=1)
    save_model_checkpoint(detector.network, folder / "checkpoint")
    demo_config.train_input_reader.tf_record_input_reader.input_path.append("/home/somebody/train.tfrecord")
    (folder / "pipeline.config").write_text(format_pipeline_config(demo_config))
    return folder


def test_a_packed_checkpoint_is_read_like_one_of_the_zoo(trained: Path, tmp_path: Path, demo_config) -> None:
    size = pack_checkpoint(trained, tmp_path / "packed.tar.gz")
    assert size == (tmp_path / "packed.tar.gz").stat().st_size
    prefix = resolve_checkpoint(str(tmp_path / "packed.tar.gz"), tmp_path / "work")
    restore_model(SsdDetector(demo_config.model, is_training=False, seed=2).network, prefix)


def test_packing_twice_gives_the_same_bytes_and_no_path_of_this_machine(
    trained: Path, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        pack_checkpoint(trained, tmp_path / f"{name}.tar.gz")
    assert (tmp_path / "a.tar.gz").read_bytes() == (tmp_path / "b.tar.gz").read_bytes()
    prefix = Path(resolve_checkpoint(str(tmp_path / "a.tar.gz"), tmp_path / "work"))
    text = next(prefix.parent.parent.rglob("pipeline.config")).read_text()
    assert UNSET_PATH in text
    assert "somebody" not in text


def test_the_shipped_checkpoint_is_small_and_starts_the_demo(tmp_path: Path, demo_config) -> None:
    assert find_start_checkpoint(NAME) == str(SHIPPED)
    assert SHIPPED.stat().st_size <= LARGEST_BYTES
    network = SsdDetector(demo_config.model, is_training=True, seed=1).network
    report = restore_for_fine_tuning(network, resolve_checkpoint(str(SHIPPED), tmp_path), "detection")
    assert report.restored
    # As in the OD API: the box predictor starts afresh, everything before it is warm.
    assert all("BoxPredictor" in name for name in report.initialised)


def test_what_the_shipped_checkpoint_reached_is_written_beside_it() -> None:
    facts = json.loads((CHECKPOINTS_DIR / f"{NAME}.json").read_text())
    assert facts["trained_on"]["look"] == "other"
    assert facts["bytes"] == SHIPPED.stat().st_size
    assert 0 < facts["metrics_on_held_out_scenes_of_its_own_look"]["AP50"] <= 1
