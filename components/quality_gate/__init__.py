"""The gate: whether a model may become the champion, decided by a pure function, with its reasons."""
