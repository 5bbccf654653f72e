"""The only room that knows napari or Qt: the dock, and what napari calls for files."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME_OF = {
    "ScdWidget": "dock.widget",
    "get_reader": "plugin.files",
    "sample_icbm152": "plugin.files",
    "sample_phantom": "plugin.files",
    "write_image_layer": "plugin.files",
    "write_labels_layer": "plugin.files",
}


def __getattr__(name: str) -> Any:
    """Fetch a public name when it is first used: the reader needs no Qt, the dock no nibabel."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'napari_scd.viewer' has no attribute {name!r}")
    return getattr(import_module(f"napari_scd.viewer.{_HOME_OF[name]}"), name)
