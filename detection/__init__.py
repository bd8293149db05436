"""The detector: the SSD family on current TensorFlow, driven by the OD API's ``pipeline.config``."""

from detection.process_tuning import tune_process

tune_process()
