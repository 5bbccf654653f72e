"""Click to segment: listens to clicks in the viewer, and finds the voxel they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_scd.viewer.layers import voxel_under

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import napari

Index = tuple[int, int, int]

DRAG_PX = 4.0
CURSOR = "cross"
PAINTING = frozenset({"paint", "erase", "fill", "polygon"})


class ClickTool:
    """Listens to clicks while it is on; panning and zooming keep working.

    Parameters
    ----------
    viewer
        The viewer to listen to.
    targets
        Returns the image layer to click on and the Labels layers drawn on it, topmost first; None = no image.
    clicked
        Hears the voxel and whether Shift was held.
    refused
        Hears why a click was not taken.
    excluded
        Hears the voxel of a short right click, or of a click while X is held; None = these are left alone.
    x_held
        Whether X is held.
    """

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        targets: Callable[[], tuple[Any, list[Any]] | None],
        clicked: Callable[[Index, bool], None],
        refused: Callable[[str], None],
        excluded: Callable[[Index], None] | None = None,
        x_held: Callable[[], bool] = bool,
    ) -> None:
        self._viewer = viewer
        self._targets = targets
        self._clicked = clicked
        self._refused = refused
        self._excluded = excluded
        self._x_held = x_held
        self._on = False

    @property
    def on(self) -> bool:
        """Whether clicks are listened to."""
        return self._on

    def start(self) -> None:
        """Listen, under a cross cursor."""
        if not self._on:
            self._on = True
            self._viewer.mouse_drag_callbacks.append(self._watch_press)
            self._viewer.cursor.events.style.connect(self._keep_cursor)
            self._viewer.cursor.style = CURSOR

    def stop(self) -> None:
        """Stop listening."""
        if self._on:
            self._on = False
            self._viewer.cursor.events.style.disconnect(self._keep_cursor)
            if self._watch_press in self._viewer.mouse_drag_callbacks:
                self._viewer.mouse_drag_callbacks.remove(self._watch_press)
            active = self._viewer.layers.selection.active
            self._viewer.cursor.style = "standard" if active is None else str(active.cursor)

    def _keep_cursor(self, event: Any = None) -> None:
        if self._on and str(self._viewer.cursor.style) != CURSOR:
            self._viewer.cursor.style = CURSOR

    def _watch_press(self, viewer: Any, event: Any) -> Iterator[None]:
        if event.button != 1 and (event.button != 2 or self._excluded is None):
            return
        hears = self._clicked
        if self._excluded is not None and (event.button == 2 or self._x_held()):
            excluded = self._excluded

            def hears(index: Index, everything: bool) -> None:
                excluded(index)

        pressed_at = np.asarray(event.pos, float)
        place = (np.array(event.position, float), event.view_direction, list(event.dims_displayed))
        everything = "Shift" in {str(getattr(key, "name", key)) for key in getattr(event, "modifiers", ())}
        yield
        while event.type == "mouse_move":
            if np.linalg.norm(np.asarray(event.pos, float) - pressed_at) > DRAG_PX:
                return
            yield
        self._take(*place, everything=everything, hears=hears)

    def _take(
        self,
        position: np.ndarray,
        direction: Any,
        displayed: list[int],
        *,
        everything: bool,
        hears: Callable[[Index, bool], None],
    ) -> None:
        active, targets = self._viewer.layers.selection.active, self._targets()
        if targets is not None and active in targets[1] and str(active.mode) in PAINTING:
            return  # a stroke on what a click would have found
        if active is not None and str(active.mode) not in ("pan_zoom", "transform"):
            self._refused(
                f"'{active.name}' is in {active.mode} mode: switch it to pan/zoom to click structures."
            )
            return
        if targets is None:
            self._refused("Choose a volume first.")
            return
        image, drawn = targets
        index = voxel_under(image, drawn, position, direction, displayed)
        if index is None:
            where = "outside" if len(displayed) == 2 else "outside what is shown of"
            self._refused(f"That is {where} '{image.name}': click inside it.")
        else:
            hears(index, everything)
