"""What each command does once its options are known; only here may torch be loaded."""
