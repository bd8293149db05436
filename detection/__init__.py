"""The detector: the SSD family on current TensorFlow, driven by the OD API's ``pipeline.config``."""

from detection.process_tuning import keep_freed_memory

# Before anything takes memory; it changes nothing but speed.
keep_freed_memory()
