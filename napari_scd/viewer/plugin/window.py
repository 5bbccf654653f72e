"""Opens a napari window with the dock and some files."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import napari

from napari_scd.errors import InputError
from napari_scd.viewer.plugin.files import read_layers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_scd.viewer.layers import LayerTuple


# our layers run to superior, posterior and left: with napari's own orientation 3D would be a mirror image
UNMIRRORED = ("away", "down", "right")


def open_window(files: Sequence[str]) -> int:
    """Open napari with the dock, show files, and return an exit code when the window is closed.

    Parameters
    ----------
    files
        Scans, label maps and token maps; maps are laid on the scans.
    """
    try:
        found = sorted(read_layers(list(files)), key=_height)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    viewer = napari.Viewer()
    viewer.scene.camera.orientation = UNMIRRORED
    for data, keywords, kind in found:
        getattr(viewer, f"add_{kind}")(data, **keywords)
    images = [layer for layer in viewer.layers if type(layer).__name__ == "Image"]
    if images:
        viewer.layers.selection.active = images[-1]
    viewer.window.add_plugin_dock_widget("napari-scd", "SCD")
    napari.run()
    return 0


def _height(layer: LayerTuple) -> int:
    """Order from the bottom up: scans, token maps, label maps."""
    _, keywords, kind = layer
    return 0 if kind == "image" else 1 if keywords["metadata"].get("scd_tokens") else 2
