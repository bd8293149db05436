"""Refuses data that would spoil training, and writes down what the data is."""
