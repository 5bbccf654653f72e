"""Training files: YAML in, one frozen and checked configuration out."""
