"""The only room that knows napari or Qt: the dock, and what napari calls for files.

Names are fetched when they are first used: the reader needs no Qt, the dock no nibabel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_scd.lazy import on_first_use

if TYPE_CHECKING:
    from napari_scd.viewer.dock import ScdWidget as ScdWidget
    from napari_scd.viewer.dock import time_dock as time_dock
    from napari_scd.viewer.plugin import get_reader as get_reader
    from napari_scd.viewer.plugin import open_window as open_window
    from napari_scd.viewer.plugin import sample_icbm152 as sample_icbm152
    from napari_scd.viewer.plugin import sample_phantom as sample_phantom
    from napari_scd.viewer.plugin import write_image_layer as write_image_layer
    from napari_scd.viewer.plugin import write_labels_layer as write_labels_layer

_HOME_OF = {
    "ScdWidget": "dock",
    "get_reader": "plugin",
    "open_window": "plugin",
    "sample_icbm152": "plugin",
    "sample_phantom": "plugin",
    "time_dock": "dock",
    "write_image_layer": "plugin",
    "write_labels_layer": "plugin",
}

__all__ = [*_HOME_OF]
__getattr__ = on_first_use(__name__, _HOME_OF)
