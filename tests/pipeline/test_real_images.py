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
    num_steps: 300
    batch_size: 5
    image_size: 640
    optimizer: adam
    learning_rate: 0.002
    warmup_steps: 30
    augmentation: none
    overrides:
      # Half of the boxes are 4 to 12 pixels wide.
      model.ssd.anchor_generator.multiscale_anchor_generator.anchor_scale: 2.0
      # The moving variances start at 1, far above what these small weights give: with a decay of 0.99 a fiftieth
      # of that 1 is left after 400 steps, and evaluation sees nothing where training sees everything.
      model.ssd.feature_extractor.conv_hyperparams.batch_norm.decay: 0.9
      model.ssd.box_predictor.weight_shared_convolutional_box_predictor.conv_hyperparams.batch_norm.decay: 0.9
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
