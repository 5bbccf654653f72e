"""What helps to read the chosen scan: orientation letters, CT windows, three planes, its orientation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_scd.engine import guess_modality
from napari_scd.viewer.dock.letters import OrientationLetters
from napari_scd.viewer.dock.panels import CtWindowRow
from napari_scd.viewer.dock.planes_dock import PlanesDock
from napari_scd.viewer.layers import middle_slice
from napari_scd.volume import axis_directions

if TYPE_CHECKING:
    from collections.abc import Hashable

    import napari

    from napari_scd.viewer.dock.display import Panels
    from napari_scd.viewer.dock.preferences import Settings
    from napari_scd.viewer.layers import SourceView
    from napari_scd.viewer.logic import Controller


class Reading:
    """Follows the chosen image; `look` is called when it, or its place, may have changed.

    Parameters
    ----------
    viewer
        The viewer to read in.
    controller
        Knows the chosen image.
    panels
        They hold the CT windows and the orientation, and know where the three planes open.
    settings
        Remembers whether the three planes were open.
    """

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        controller: Controller,
        panels: Panels,
        settings: Settings,
    ) -> None:
        self._control = controller
        inputs, self._advanced = panels.input, panels.advanced
        self._letters = OrientationLetters(viewer)
        self._planes = PlanesDock(viewer, panels.tools.below, controller, settings)
        inputs.views.addWidget(self._planes.button)
        self.ct = CtWindowRow()
        inputs.column.addWidget(self.ct)
        self.ct.hide()
        self.ct.chosen.connect(self._on_ct_window)
        self._image: Any = None
        self._opened: dict[Hashable, tuple[float, float]] = {}
        self._drawn: object = None

    def look(self) -> None:
        """Follow the chosen image."""
        view = self._control.view
        self._letters.follow(view)
        image = None if view is None else self._control.store.layer(view.uid)
        if (None if image is None else image.unique_id) != (
            None if self._image is None else self._image.unique_id
        ):
            self._listen(image)
        key = None if view is None else (view.key, self._control.choices.world_axes)
        if key != self._drawn:  # what follows reads voxels
            self._drawn = key
            self._draw_orientation(view)
            self.ct.setVisible(view is not None and _is_ct(view))

    def close(self) -> None:
        """Take the letters away and stop listening."""
        self._listen(None)
        self._planes.close()
        self._letters.close()

    def _listen(self, image: Any) -> None:
        """Hear of changed contrast limits of one image."""
        if self._image is not None:
            self._image.events.contrast_limits.disconnect(self._on_limits)
        self._image = image
        if image is not None:
            self._opened.setdefault(image.unique_id, _limits(image))
            image.events.contrast_limits.connect(self._on_limits)
            self._on_limits()

    def _on_limits(self, event: Any = None) -> None:
        self.ct.show_limits(_limits(self._image))

    def _on_ct_window(self, limits: tuple[float, float] | None) -> None:
        if self._image is not None:
            self._image.contrast_limits = limits or self._opened[self._image.unique_id]

    def _draw_orientation(self, view: SourceView | None) -> None:
        """Show the middle slice beside the words."""
        panel, axes = self._advanced.orientation, self._control.choices.world_axes
        known = None if view is None else axis_directions(view.world_to_mm)
        pixels, aspect = None, 1.0
        if view is not None and isinstance(view.data, np.ndarray):
            pixels, aspect = middle_slice(view)
        panel.show_scan(pixels, aspect, known or "SPL", by_file=axes is None)


def _limits(image: Any) -> tuple[float, float]:
    low, high = (float(limit) for limit in image.contrast_limits)
    return low, high


def _is_ct(view: SourceView) -> bool:
    return isinstance(view.data, np.ndarray) and guess_modality(view.data) == "CT"
