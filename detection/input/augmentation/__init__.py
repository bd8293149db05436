"""Data augmentation: one family of steps per file, looked up by the config's names in ``registry``."""
