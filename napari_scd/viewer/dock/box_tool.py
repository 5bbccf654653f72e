"""A box around an object: drawn with napari's own rectangle tool, or taken from a Shapes layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import napari

NAME = "box"


class BoxTool:
    """Lets the user draw one rectangle, and hands over the Shapes layer it is in.

    Parameters
    ----------
    viewer
        The viewer to draw in.
    image
        Returns the image layer to draw on; None = there is none.
    drawn
        Hears the Shapes layer.
    """

    def __init__(
        self, viewer: napari.viewer.Viewer, image: Callable[[], Any | None], drawn: Callable[[Any], None]
    ) -> None:
        self._viewer = viewer
        self._image = image
        self._drawn = drawn
        self._layer: Any = None
        self._before: list[Any] = []

    @property
    def drawing(self) -> bool:
        """Whether a rectangle is waited for."""
        return self._layer is not None and self._layer in self._viewer.layers

    def start(self) -> bool:
        """Take the rectangles of the selected Shapes layer, or wait for one; return whether it waits."""
        self.stop()
        active, image = self._viewer.layers.selection.active, self._image()
        if active is not None and type(active).__name__ == "Shapes" and len(active.data):
            self._drawn(active)
            return False
        if image is None:
            return False
        self._before = list(self._viewer.layers.selection)
        self._layer = self._viewer.add_shapes(
            ndim=image.ndim,
            name=NAME,
            scale=image.scale,
            translate=image.translate,
            rotate=image.rotate,
            shear=image.shear,
            affine=image.affine,
            units=image.units,
            face_color="transparent",
            edge_color="#56d364",
        )
        self._viewer.layers.selection = {self._layer}
        self._layer.mode = "add_rectangle"
        self._layer.mouse_drag_callbacks.append(self._watch_drag)
        return True

    def stop(self) -> None:
        """Take the layer away that was drawn in, and select what was selected before."""
        layer, self._layer = self._layer, None
        if layer is not None and layer in self._viewer.layers:
            self._viewer.layers.remove(layer)
            self._viewer.layers.selection = {one for one in self._before if one in self._viewer.layers}
        self._before = []

    def _watch_drag(self, layer: Any, event: Any) -> Iterator[None]:
        yield
        while event.type == "mouse_move":
            yield
        QTimer.singleShot(0, self._take)  # when napari has finished the rectangle

    def _take(self) -> None:
        layer = self._layer
        if layer is not None and len(layer.data):
            self._drawn(layer)
            self.stop()
