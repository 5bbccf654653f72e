"""Orientation letters on the canvas, as text overlays of napari's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.components.overlays import TextOverlay
from qtpy.QtCore import QTimer

from napari_scd.viewer.layers import edges_on_screen

if TYPE_CHECKING:
    import napari

    from napari_scd.viewer.layers import SourceView

PLACES = {
    "top": "top_center",
    "bottom": "bottom_center",
    "left": "middle_left",
    "right": "middle_right",
}
SIZE_PT = 14
FIRST_AFTER_MS, NEXT_AFTER_MS = 400, 60


class OrientationLetters:
    """Keeps one letter at each edge of the canvas in step with the slice on screen.

    A question mark follows each letter while the orientation of the image is only assumed.

    Without a graphics card, drawing a letter for the first time takes a tenth of a second. So they appear one
    after the other, when the dock is already there.

    Parameters
    ----------
    viewer
        The viewer whose canvas is lettered.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._viewer = viewer
        self._view: SourceView | None = None
        self._overlays: dict[str, TextOverlay] = {}
        for edge, position in PLACES.items():
            overlay = TextOverlay(position=position, font_size=SIZE_PT)
            self._overlays[edge] = overlay
            viewer.canvas.overlays[f"scd_{edge}"] = overlay
        self._not_yet = list(PLACES)
        self._timer = QTimer()
        self._timer.timeout.connect(self._show_next)
        for emitter in self._emitters():
            emitter.connect(self._show)

    def follow(self, view: SourceView | None) -> None:
        """Letter the slices of an image; None = no letters."""
        self._view = view
        self._show()

    def close(self) -> None:
        """Take the letters away and stop listening."""
        self._timer.stop()
        for emitter in self._emitters():
            emitter.disconnect(self._show)
        for edge in self._overlays:
            self._viewer.canvas.overlays.pop(f"scd_{edge}", None)
        self._overlays.clear()

    def _emitters(self) -> tuple[Any, ...]:
        dims, camera = self._viewer.dims.events, self._viewer.scene.camera.events
        return dims.order, dims.ndisplay, dims.ndim, camera.orientation

    def _show(self, event: Any = None) -> None:
        view = self._view
        edges = None if view is None else edges_on_screen(self._viewer, view.world_to_mm)
        doubt = "" if view is None or view.orientation_known else "?"
        for edge, overlay in self._overlays.items():
            if edges is not None:
                overlay.text = getattr(edges, edge) + doubt
            overlay.visible = edges is not None and edge not in self._not_yet
        if edges is not None and self._not_yet and not self._timer.isActive():
            self._timer.start(FIRST_AFTER_MS if self._not_yet == list(PLACES) else NEXT_AFTER_MS)

    def _show_next(self) -> None:
        """Let one more letter appear."""
        self._timer.stop()
        self._not_yet = self._not_yet[1:]
        self._show()
