"""Orientation letters on the canvas, as text overlays of napari's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.components.overlays import TextOverlay

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


class OrientationLetters:
    """Keeps one letter at each edge of the canvas in step with the slice on screen.

    A question mark follows each letter while the orientation of the image is only assumed.

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
        for emitter in self._emitters():
            emitter.connect(self._show)

    def follow(self, view: SourceView | None) -> None:
        """Letter the slices of an image; None = no letters."""
        self._view = view
        self._show()

    def close(self) -> None:
        """Take the letters away and stop listening."""
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
            overlay.visible = edges is not None
