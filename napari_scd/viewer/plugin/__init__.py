"""What napari calls: reader, writers, samples, and a window that opens with the dock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_scd.lazy import on_first_use

if TYPE_CHECKING:
    from napari_scd.viewer.plugin.files import get_reader as get_reader
    from napari_scd.viewer.plugin.files import read_layers as read_layers
    from napari_scd.viewer.plugin.files import sample_icbm152 as sample_icbm152
    from napari_scd.viewer.plugin.files import sample_phantom as sample_phantom
    from napari_scd.viewer.plugin.files import source_grid as source_grid
    from napari_scd.viewer.plugin.files import write_image_layer as write_image_layer
    from napari_scd.viewer.plugin.files import write_labels_layer as write_labels_layer
    from napari_scd.viewer.plugin.prompts_file import PROMPTS_FILE as PROMPTS_FILE
    from napari_scd.viewer.plugin.window import open_window as open_window

_HOME_OF = {
    "PROMPTS_FILE": "prompts_file",
    "get_reader": "files",
    "open_window": "window",
    "read_layers": "files",
    "sample_icbm152": "files",
    "sample_phantom": "files",
    "source_grid": "files",
    "write_image_layer": "files",
    "write_labels_layer": "files",
}

__all__ = [*_HOME_OF]
__getattr__ = on_first_use(__name__, _HOME_OF)
