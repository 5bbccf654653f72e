"""Three linked planes below the canvas: one crosshair, which follows clicks, sliders and the legend."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout
from superqt.utils import qthrottled

from napari_scd.viewer.dock.lifetime import DockedWidget
from napari_scd.viewer.dock.panels import PlanePane
from napari_scd.viewer.layers import THREE_PLANES, Cuts, finest, grey, outlines

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari

    from napari_scd.viewer.layers import SlicePlane, SourceView
    from napari_scd.viewer.logic import Controller

TITLE = "Three planes"
REDRAW_MS = 40
DRAG_PX = 4.0
LARGEST_SHARE = 0.55  # of the height of the canvas and the planes together
NARROWEST = 0.3  # width of a pane over its height
IMAGE_EVENTS = ("data", "contrast_limits", "visible")
LABEL_EVENTS = (
    "data",
    "paint",
    "labels_update",
    "visible",
    "colormap",
    "show_selected_label",
    "selected_label",
)


class ThreePlanes(DockedWidget):
    """Axial, coronal and sagittal slices of the chosen image, with the outlines of its labels.

    The crosshair is the point of the viewer's own sliders, so that everything that moves them moves it.

    Parameters
    ----------
    viewer
        The viewer to follow.
    controller
        Knows the chosen image and its labels.
    closed
        Is called when the dock around it is closed.

    Attributes
    ----------
    reshaped : Signal
        Slices of other proportions are shown than before, or the first ones.
    """

    reshaped = Signal()

    def __init__(
        self, viewer: napari.viewer.Viewer, controller: Controller, closed: Callable[[], object]
    ) -> None:
        super().__init__()
        self._viewer = viewer
        self._control = controller
        self._closed = closed
        self._followed: list[tuple[Any, tuple[str, ...]]] = []
        self._cuts: Cuts | None = None
        self._cuts_of: object = None
        self.panes = [PlanePane(plane) for plane in THREE_PLANES]
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        for pane in self.panes:
            pane.pointed.connect(partial(self._on_pointed, pane.plane))
            pane.scrolled.connect(partial(self._on_scrolled, pane.plane))
            row.addWidget(pane, 1)
        self._row = row
        self._proportions = self._proportions_now()
        self._redraw = qthrottled(self.draw, timeout=REDRAW_MS)
        viewer.dims.events.point.connect(self._later)
        viewer.layers.events.inserted.connect(self._later)
        viewer.layers.events.removed.connect(self._later)
        viewer.mouse_drag_callbacks.append(self._watch_press)
        controller.state.result_changed.connect(self._later)
        self._later()

    def let_go(self) -> None:
        """Stop following the viewer."""
        self._redraw.cancel()
        self._follow([])
        self._viewer.dims.events.point.disconnect(self._later)
        self._viewer.layers.events.inserted.disconnect(self._later)
        self._viewer.layers.events.removed.disconnect(self._later)
        self._viewer.mouse_drag_callbacks.remove(self._watch_press)
        self._control.state.result_changed.disconnect(self._later)
        self._closed()

    def height_for(self, width: int, height: int) -> int:
        """Return how high the planes are to be: as high as their slices are when these fill the width.

        Parameters
        ----------
        width, height
            Of the canvas, and of the canvas and the planes together, in pixels.
        """
        proportions = self._proportions_now()
        return round(min(width / sum(proportions), LARGEST_SHARE * height)) if proportions else height // 2

    def draw(self) -> None:
        """Draw the three slices through the crosshair."""
        if self.gone:
            return
        view, image = self._control.view, self._image()
        if view is None or image is None:
            self._follow([])
            for pane in self.panes:
                pane.show_slice(None, 1.0, (0, 0), "", doubt=False)
            return
        drawn = self._labels(view)
        self._follow([(image, IMAGE_EVENTS), *((layer, LABEL_EVENTS) for layer in drawn)])
        cuts, voxel = self._cuts_for(view), self._voxel(view, image)
        limits = (float(image.contrast_limits[0]), float(image.contrast_limits[1]))
        visible = [layer for layer in drawn if layer.visible]
        for pane in self.panes:
            plane = pane.plane
            slice_ = grey(cuts.cut(finest(image), plane, voxel), limits)
            pixels = np.repeat(slice_[..., None], 3, axis=2)
            for layer in visible:
                _draw_outlines(pixels, cuts.cut(layer.data, plane, voxel), layer)
            caption = f"{plane.name} {voxel[plane.normal] + 1}/{cuts.shape[plane.normal]}"
            cross, doubt = cuts.pixel(plane, voxel), not view.orientation_known
            pane.show_slice(pixels, cuts.aspect(plane), cross, caption, doubt=doubt)
            self._row.setStretchFactor(pane, round(100 * max(cuts.proportion(plane), NARROWEST)))
        before, self._proportions = self._proportions, self._proportions_now()
        if self._proportions != before:
            self.reshaped.emit()

    def _later(self, event: Any = None) -> None:
        if not self.gone:
            self._redraw()

    def _image(self) -> Any | None:
        view = self._control.view
        return None if view is None else self._control.store.layer(view.uid)

    def _labels(self, view: SourceView) -> list[Any]:
        """Labels on the image's grid, the preview last and so on top."""
        store = self._control.store
        preview = store.ours(view.uid, "preview")
        found = list(reversed(store.outputs(view)))
        return found if preview is None else [*found, preview]

    def _proportions_now(self) -> list[float]:
        """Width of each plane over its height; none without an image."""
        view = self._control.view
        return [] if view is None else [self._cuts_for(view).proportion(pane.plane) for pane in self.panes]

    def _cuts_for(self, view: SourceView) -> Cuts:
        if self._cuts is None or self._cuts_of != view.key:
            self._cuts, self._cuts_of = Cuts(view), view.key
        return self._cuts

    def _voxel(self, view: SourceView, image: Any) -> tuple[int, int, int]:
        """Voxel of the turned array under the crosshair."""
        index = np.asarray(image.world_to_data(np.asarray(self._viewer.dims.point, float)))[-3:]
        return self._cuts_for(view).turned(index.tolist())

    def _on_pointed(self, plane: SlicePlane, row: int, column: int) -> None:
        self._move(lambda cuts, voxel: cuts.voxel(plane, (row, column), voxel))

    def _on_scrolled(self, plane: SlicePlane, step: int) -> None:
        def next_slice(cuts: Cuts, voxel: tuple[int, int, int]) -> tuple[int, ...]:
            moved = list(voxel)
            moved[plane.normal] = min(max(moved[plane.normal] + step, 0), cuts.shape[plane.normal] - 1)
            return tuple(moved)

        self._move(next_slice)

    def _move(self, to: Callable[[Cuts, tuple[int, int, int]], tuple[int, ...]]) -> None:
        """Move the viewer's point, and with it the crosshair, to another voxel; the zoom stays."""
        view, image = self._control.view, self._image()
        if view is None or image is None:
            return
        cuts = self._cuts_for(view)
        index = cuts.source(to(cuts, self._voxel(view, image)))
        world = np.asarray(image.data_to_world(view.whole_index(index)), float)
        first = self._viewer.dims.ndim - len(world)
        axes = range(first, self._viewer.dims.ndim)
        self._viewer.dims.set_point(tuple(axes), tuple(world.tolist()))

    def _watch_press(self, viewer: Any, event: Any) -> Any:
        """Bring the crosshair to a click in the canvas; drags pan as ever."""
        if event.button != 1 or len(event.dims_displayed) != 2:
            return
        pressed_at, place = np.asarray(event.pos, float), np.asarray(event.position, float)
        yield
        while event.type == "mouse_move":
            if np.linalg.norm(np.asarray(event.pos, float) - pressed_at) > DRAG_PX:
                return
            yield
        axes = tuple(event.dims_displayed)
        self._viewer.dims.set_point(axes, tuple(float(place[axis]) for axis in axes))

    def _follow(self, layers: list[tuple[Any, tuple[str, ...]]]) -> None:
        """Hear of what changes the look of these layers, and of no others."""
        if [layer.unique_id for layer, _ in layers] == [layer.unique_id for layer, _ in self._followed]:
            return
        for layer, names in self._followed:
            for name in names:
                getattr(layer.events, name).disconnect(self._later)
        self._followed = layers
        for layer, names in layers:
            for name in names:
                getattr(layer.events, name).connect(self._later)


def _draw_outlines(pixels: np.ndarray, labels: np.ndarray, layer: Any) -> None:
    """Draw the outlines of labels into (rows, columns, 3) uint8, in their layer's colours."""
    if layer.show_selected_label:
        labels = np.where(labels == layer.selected_label, labels, 0)
    border = outlines(labels)
    for label in np.unique(border):
        colour = layer.get_color(int(label)) if label else None
        if colour is not None:
            pixels[border == label] = np.round(np.asarray(colour[:3]) * 255).astype(np.uint8)
