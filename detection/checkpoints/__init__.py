"""TensorFlow object-based checkpoints: zoo archives, fine-tuning, evaluation and export."""
