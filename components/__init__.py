"""The steps of the pipeline, one folder each, and what they share."""
