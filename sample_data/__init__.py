"""Small synthetic scans that ship with the package."""
