"""Step export_model: a SavedModel bundle, proved to score as its checkpoint does."""
