"""Click to segment: from a mouse click in the viewer to a voxel of the image, in 2D and along a ray in 3D."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_scd.viewer.layers import finest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import napari

Index = tuple[int, int, int]

DRAG_PX = 4.0
CURSOR = "cross"


class ClickTool:
    """Listens to clicks while it is on; panning and zooming go on working.

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
    """

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        targets: Callable[[], tuple[Any, list[Any]] | None],
        clicked: Callable[[Index, bool], None],
        refused: Callable[[str], None],
    ) -> None:
        self._viewer = viewer
        self._targets = targets
        self._clicked = clicked
        self._refused = refused
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
        """Listen no more."""
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
        if event.button != 1:
            return
        pressed_at = np.asarray(event.pos, float)
        place = (np.array(event.position, float), event.view_direction, list(event.dims_displayed))
        everything = "Shift" in {str(getattr(key, "name", key)) for key in getattr(event, "modifiers", ())}
        yield
        while event.type == "mouse_move":
            if np.linalg.norm(np.asarray(event.pos, float) - pressed_at) > DRAG_PX:
                return
            yield
        self._take(*place, everything=everything)

    def _take(self, position: np.ndarray, direction: Any, displayed: list[int], *, everything: bool) -> None:
        active = self._viewer.layers.selection.active
        if active is not None and str(active.mode) not in ("pan_zoom", "transform"):
            self._refused(
                f"'{active.name}' is in {active.mode} mode: switch it to pan/zoom to click structures."
            )
            return
        targets = self._targets()
        if targets is None:
            self._refused("Choose a volume first.")
            return
        image, drawn = targets
        index = voxel_under(image, drawn, position, direction, displayed)
        if index is None:
            self._refused(f"That is outside '{image.name}': click inside it.")
        else:
            self._clicked(index, everything)


def voxel_under(
    image: Any, drawn: Sequence[Any], position: np.ndarray, direction: Any, displayed: Sequence[int]
) -> Index | None:
    """Return the spatial voxel (z, y, x) of an image layer under a click, None outside of it.

    In 3D the first voxel of the Labels drawn on the image counts; where there is none, what the rendering
    shows: the first voxel above the threshold of an isosurface, else the brightest one along the ray.

    Parameters
    ----------
    position
        World coordinates of the click, in viewer dimensions.
    direction
        The camera's direction in viewer dimensions; used in 3D.
    displayed
        Viewer dimensions on screen.
    """
    shape = np.asarray(finest(image).shape)
    if len(displayed) == 2:
        index = np.floor(np.asarray(image.world_to_data(position)) + 0.5).astype(int)
        return _spatial(index) if _inside(index, shape) else None
    for layer in drawn:
        path = ray_path(layer, position, direction, displayed)
        if path is None:
            continue
        hits = np.flatnonzero(np.asarray(finest(layer)[tuple(path.T)]))
        if len(hits):
            return _spatial(path[hits[0]])
    path = ray_path(image, position, direction, displayed)
    if path is None:
        return None
    values = np.nan_to_num(np.asarray(finest(image)[tuple(path.T)], dtype=float), nan=-np.inf)
    if str(image.rendering) == "iso" and (values >= image.iso_threshold).any():
        return _spatial(path[int(np.argmax(values >= image.iso_threshold))])
    return _spatial(path[int(np.argmax(values))])


def ray_path(layer: Any, position: np.ndarray, direction: Any, displayed: Sequence[int]) -> np.ndarray | None:
    """(n, ndim) voxels of a layer along the ray of a click, nearest the camera first; None when it misses."""
    shape = np.asarray(finest(layer).shape)
    extra = len(position) - len(shape)
    dims = [axis - extra for axis in displayed]
    if direction is None or min(dims) < 0:
        return None
    start, end = layer.get_ray_intersections(
        position[extra:], np.asarray(direction)[extra:], dims, world=True
    )
    if start is None or end is None:
        return None
    fixed = np.floor(np.asarray(layer.world_to_data(position)) + 0.5)
    n_steps = int(np.ceil(np.linalg.norm(np.asarray(end) - np.asarray(start)) * 2)) + 1
    path = np.linspace(start, end, n_steps)
    for axis in set(range(len(shape))) - set(dims):
        path[:, axis] = fixed[axis]
    voxels = np.floor(path + 0.5).astype(int)
    voxels = voxels[((voxels >= 0) & (voxels < shape)).all(axis=1)]
    return voxels if len(voxels) else None


def _inside(index: np.ndarray, shape: np.ndarray) -> bool:
    return bool(((index >= 0) & (index < shape)).all())


def _spatial(index: np.ndarray) -> Index:
    z, y, x = (int(i) for i in index[-3:])
    return z, y, x
