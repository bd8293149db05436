from __future__ import annotations

import pytest

from detection.errors import ConfigError
from pipeline.data.generate import generate_dataset


@pytest.mark.parametrize("place", ["s3://bucket/scenes", "gs://bucket/scenes"])
def test_an_object_store_is_refused_by_name(place: str) -> None:
    with pytest.raises(ConfigError, match="local folder"):
        generate_dataset(place, seed=1, train_sequences=1, eval_sequences=1, frames_per_sequence=1)
