from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from detection.errors import DataError
from detection.parity.__main__ import main
from detection.parity.comparison import as_table
from detection.parity.recording import load_recording
from detection.parity.run import compare_folder
from detection.parity.training_checks import compare_targets_and_losses


def check_all(folder: Path) -> None:
    comparisons = list(compare_folder(folder))
    assert all(one.passed for one in comparisons), "\n" + as_table(comparisons)
    # What the folder records and nothing compares would pass unseen.
    with np.load(folder / "golden.npz") as recorded:
        names = {name.split(":")[0] + ":*" if ":" in name else name for name in recorded.files}
    inputs = {"images_uint8", "num_groundtruth_boxes", "eval_total_loss"}
    inputs |= {f"groundtruth_{name}" for name in ("boxes", "classes", "weights")}
    assert names - inputs == {one.name for one in comparisons}


def test_every_tensor_of_the_small_mobilenet(shared_dir):
    check_all(shared_dir / "golden" / "mobilenet_small")


@pytest.mark.slow
def test_every_tensor_of_the_full_mobilenet(shared_dir):
    check_all(shared_dir / "golden" / "mobilenet")


def test_a_changed_tensor_is_found(shared_dir, tmp_path, capsys):
    source = shared_dir / "golden" / "mobilenet_small"
    folder = tmp_path / "changed"
    shutil.copytree(source, folder)
    with np.load(source / "golden.npz") as file:
        tensors = {name: file[name] for name in file.files if not name.startswith(("grad", "after", "train"))}
    tensors["reg_targets"] = tensors["reg_targets"] + np.float32(1e-3)
    tensors["match"] = np.roll(tensors["match"], 1, axis=1)
    np.savez(folder / "golden.npz", **tensors)
    differing = {
        one.name for one in compare_targets_and_losses(load_recording(folder, tmp_path)) if not one.passed
    }
    assert differing == {"reg_targets", "match"}
    assert main([str(folder)]) == 1
    assert "DIFFERS" in capsys.readouterr().out


def test_an_incomplete_folder_is_refused_by_name(tmp_path, capsys):
    with pytest.raises(DataError, match=r"golden\.npz"):
        load_recording(tmp_path, tmp_path)
    assert main([str(tmp_path)]) == 3
    assert "golden.npz" in capsys.readouterr().err
