"""Many files: which scans there are, where results go, and one case after another from file to files."""
