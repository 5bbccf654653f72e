"""NIfTI and MGH files: opened, checked, read and written with their exact geometry."""
