"""Learning real street images by heart: the whole pipeline from scratch, on five pictures of one moment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from pipeline.cli.main import cli

RUN_FILE = """
name: overfit
data:
  train: {frames}
  eval: {frames}
  label_map: {label_map}
  validation_policy: overfit
model:
  base_config: demo_mobilenet_v2_fpnlite_320x320
training:
  parameters:
    num_steps: 400
    batch_size: 5
    image_size: 640
    optimizer: adam
    learning_rate: 0.002
    warmup_steps: 30
    augmentation: none
    # Half of the boxes are 4 to 12 pixels wide.
    overrides: {{model.ssd.anchor_generator.multiscale_anchor_generator.anchor_scale: 2.0}}
gate:
  min_AP50: 0.9
publish:
  registry: {registry}
"""


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_five_real_images_are_learned_by_heart(shared_dir: Path, tmp_path: Path) -> None:
    real = shared_dir / "data" / "real"
    run_file = tmp_path / "overfit.yaml"
    run_file.write_text(
        RUN_FILE.format(
            frames=real / "waymo_frame_640.tfrecord",
            label_map=real / "label_map.pbtxt",
            registry=tmp_path / "registry",
        )
    )
    runs_dir = tmp_path / "runs"
    result = CliRunner().invoke(cli, ["run", str(run_file), "--runs-dir", str(runs_dir)])
    (record_file,) = runs_dir.glob("*/run.json")
    record = json.loads(record_file.read_text())
    assert record["metrics"]["AP50"] >= 0.9, result.output
    assert record["state"] == "promoted"
    assert result.exit_code == 0
