"""Publishes a model to the registry: whole, once, and so that a reader never sees half of it."""
