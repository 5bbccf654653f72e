"""Results as napari layers, and layers as volumes; no Qt."""
