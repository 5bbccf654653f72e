"""One structure shown alone: keeps the legend and napari's own "show selected" in step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Hashable

    from napari_scd.viewer.dock.panels import ResultPanel
    from napari_scd.viewer.logic import Controller, Result


class Isolation:
    """Remembers the structure that is shown alone while its image stays chosen.

    Parameters
    ----------
    controller
        Shows one structure alone, or all.
    panel
        The legend, in which that structure is bold.
    """

    def __init__(self, controller: Controller, panel: ResultPanel) -> None:
        self._control = controller
        self._panel = panel
        self._image: Hashable = None
        self._layers: list[Any] = []
        panel.structure_isolated.connect(controller.isolate)

    def follow(self, result: Result | None) -> None:
        """Show alone in new layers what was alone in those before; in those of another image, what is."""
        self._listen([])
        layers = self._control.label_layers()
        image = None if result is None else result.view.uid
        wanted = self._panel.isolated
        if image != self._image or result is None:
            wanted = next((int(one.selected_label) for one in layers if one.show_selected_label), 0)
        elif wanted:
            found = result.found().get(wanted)
            wanted = wanted if found is not None and found.voxels else 0
            self._control.isolate(wanted)
        self._image = image
        self._panel.show_alone(wanted)
        self._listen(layers)

    def close(self) -> None:
        """Stop listening."""
        self._listen([])

    def _listen(self, layers: list[Any]) -> None:
        for layer in self._layers:
            for emitter in (layer.events.show_selected_label, layer.events.selected_label):
                emitter.disconnect(self._on_layer)
        self._layers = layers
        for layer in layers:
            for emitter in (layer.events.show_selected_label, layer.events.selected_label):
                emitter.connect(self._on_layer)

    def _on_layer(self, event: Any = None) -> None:
        """Follow napari's own check box, and the label chosen there."""
        alone = [int(layer.selected_label) for layer in self._layers if layer.show_selected_label]
        self._panel.show_alone(alone[0] if alone else 0)
