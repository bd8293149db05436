"""Data sets: generated street scenes, and a look into any TFRecord of TFExamples."""
