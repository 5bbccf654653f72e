"""Prompts files that are dropped on the window, or opened with File > Open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer

from napari_scd.viewer.plugin import PROMPTS_FILE

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari


class DroppedPrompts:
    """Takes the layers away that our reader makes of prompts files, and hands their files over.

    Parameters
    ----------
    viewer
        The viewer to listen to.
    read
        Hears the path of each file.
    """

    def __init__(self, viewer: napari.viewer.Viewer, read: Callable[[str], None]) -> None:
        self._viewer = viewer
        self._read = read
        self._open = True
        viewer.layers.events.inserted.connect(self._on_inserted)
        self._on_inserted()

    def close(self) -> None:
        """Stop listening."""
        self._open = False
        self._viewer.layers.events.inserted.disconnect(self._on_inserted)

    def _on_inserted(self, event: Any = None) -> None:
        QTimer.singleShot(0, self._take)  # when napari has finished adding them

    def _take(self) -> None:
        found = (
            [layer for layer in self._viewer.layers if PROMPTS_FILE in layer.metadata] if self._open else []
        )
        for layer in found:
            self._viewer.layers.remove(layer)
            self._read(str(layer.metadata[PROMPTS_FILE]))
