"""What of the OD API's configuration we honour, field by field (DESIGN decision D1).

A field that is not listed is refused, except where a config only spells out the schema's default of a plain
value. To support more, add one line to ``model_support.py`` or ``training_support.py`` when the code that
honours it is there.
"""

from __future__ import annotations

from types import MappingProxyType

from detection.config.model_support import MODEL_SUPPORT
from detection.config.support_rules import ANY, Rule
from detection.config.training_support import TRAINING_SUPPORT

_TOP: dict[str, dict[str, Rule]] = {
    "TrainEvalPipelineConfig": {
        "model": ANY,
        "train_config": ANY,
        "train_input_reader": ANY,
        "eval_config": ANY,
        "eval_input_reader": ANY,
    },
    "DetectionModel": {"ssd": ANY},
}

#: Message name -> field name -> what is honoured.
SUPPORTED: MappingProxyType[str, dict[str, Rule]] = MappingProxyType(
    {**_TOP, **MODEL_SUPPORT, **TRAINING_SUPPORT}
)
