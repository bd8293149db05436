"""The steps of the pipeline, one folder each, and what they share."""

# Before anything imports TensorFlow: the detector's settings of the process are made at its import.
import detection as detection
