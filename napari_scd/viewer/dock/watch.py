"""Listens to a viewer and its layers, and can stop listening: no callback outlives the dock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari

PLACE_EVENTS = ("data", "scale", "translate", "rotate", "shear", "affine", "units")

PAINT_EVENTS = ("paint", "labels_update")  # the end of a stroke, and each part of one that is drawn


class Watch:
    """Connections to one viewer; each change calls one of four functions.

    Parameters
    ----------
    viewer
        The viewer to listen to.
    layers_changed
        A layer was added, removed, moved or renamed.
    place_changed
        A watched image changed its voxels or place, or the viewer moved to another point.
    dimensions_changed
        The viewer switched from 2D to 3D or back.
    painted
        A watched Labels layer was painted on or erased.
    """

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        layers_changed: Callable[[], object],
        place_changed: Callable[[], object],
        dimensions_changed: Callable[[], object],
        painted: Callable[[], object],
    ) -> None:
        self._viewer = viewer
        self._layers_changed = layers_changed
        self._place_changed = place_changed
        self._dimensions_changed = dimensions_changed
        self._painted = painted
        self._named: list[Any] = []
        self._labels: list[Any] = []
        self._placed: list[Any] = []
        events = viewer.layers.events
        for emitter in (events.inserted, events.removed, events.reordered):
            emitter.connect(self._on_layers)
        viewer.dims.events.point.connect(self._on_point)
        viewer.dims.events.ndisplay.connect(self._on_ndisplay)
        self._listen_to_names(list(viewer.layers))

    def follow(self, layers: list[Any]) -> None:
        """Listen to changes of voxels and place of these layers only."""
        for layer in self._placed:
            for name in PLACE_EVENTS:
                getattr(layer.events, name).disconnect(self._on_place)
        self._placed = list(layers)
        for layer in self._placed:
            for name in PLACE_EVENTS:
                getattr(layer.events, name).connect(self._on_place)

    def follow_labels(self, layers: list[Any]) -> None:
        """Listen to painting on these layers only."""
        for layer in self._labels:
            for name in PAINT_EVENTS:
                getattr(layer.events, name).disconnect(self._on_paint)
        self._labels = list(layers)
        for layer in self._labels:
            for name in PAINT_EVENTS:
                getattr(layer.events, name).connect(self._on_paint)

    def close(self) -> None:
        """Stop listening to anything."""
        self.follow([])
        self.follow_labels([])
        self._listen_to_names([])
        events = self._viewer.layers.events
        for emitter in (events.inserted, events.removed, events.reordered):
            emitter.disconnect(self._on_layers)
        self._viewer.dims.events.point.disconnect(self._on_point)
        self._viewer.dims.events.ndisplay.disconnect(self._on_ndisplay)

    def _listen_to_names(self, layers: list[Any]) -> None:
        for layer in self._named:
            layer.events.name.disconnect(self._on_name)
        self._named = layers
        for layer in layers:
            layer.events.name.connect(self._on_name)

    def _on_layers(self, event: Any = None) -> None:
        self._listen_to_names(list(self._viewer.layers))
        self._layers_changed()

    def _on_name(self, event: Any = None) -> None:
        self._layers_changed()

    def _on_paint(self, event: Any = None) -> None:
        self._painted()

    def _on_place(self, event: Any = None) -> None:
        self._place_changed()

    def _on_point(self, event: Any = None) -> None:
        if any(layer.ndim > 3 for layer in self._placed):
            self._place_changed()

    def _on_ndisplay(self, event: Any = None) -> None:
        self._dimensions_changed()
