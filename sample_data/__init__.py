"""Small scans that ship with napari-scd, made by ``python -m napari_scd.volume.phantom``."""
