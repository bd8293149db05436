"""fine_tune: trains the detector, goes on after an interruption, and draws its curves."""
