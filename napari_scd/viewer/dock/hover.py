"""Hears where the mouse is over the slices of a viewer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari


class MousePosition:
    """Tells where the mouse is while the viewer shows slices.

    Parameters
    ----------
    viewer
        The viewer to listen to.
    moved
        Is called with the place of the mouse in world coordinates.
    """

    def __init__(self, viewer: napari.viewer.Viewer, moved: Callable[[np.ndarray], None]) -> None:
        self._viewer = viewer
        self._moved = moved
        viewer.mouse_move_callbacks.append(self._on_move)

    def close(self) -> None:
        """Stop listening."""
        if self._on_move in self._viewer.mouse_move_callbacks:
            self._viewer.mouse_move_callbacks.remove(self._on_move)

    def _on_move(self, viewer: Any, event: Any) -> None:
        if len(event.dims_displayed) == 2:
            self._moved(np.asarray(event.position, float))
