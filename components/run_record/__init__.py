"""Gathers what a run did into one record."""
