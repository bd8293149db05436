"""The step that makes a run's complete ``pipeline.config`` from a base, the validated data and parameters."""
