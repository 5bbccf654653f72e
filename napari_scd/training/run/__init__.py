"""One training run: set-up, steps, validation, checkpoints, export."""
