"""Training: schedules, optimizers, the step, the loop and what survives an interruption."""
