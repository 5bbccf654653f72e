"""What a viewer shows of an image: the slice, the voxel in the middle, the direction it is seen from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_scd.viewer.layers.layer_place import find_layer
from napari_scd.viewer.layers.view_planes import PLANES, mirrored, show_plane, show_solid

if TYPE_CHECKING:
    from collections.abc import Sequence

    import napari

    from napari_scd.viewer.layers.source_view import SourceView


class Screen:
    """Reads and moves what one viewer shows.

    Parameters
    ----------
    viewer
        A napari viewer, viewer model or public proxy of one.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._viewer = viewer

    @property
    def in_3d(self) -> bool:
        """Whether the viewer shows three dimensions."""
        return bool(self._viewer.dims.ndisplay == 3)

    @property
    def point(self) -> tuple[float, ...]:
        """The viewer's current position in world coordinates."""
        return tuple(float(value) for value in self._viewer.dims.point)

    def centre_index(self, view: SourceView) -> tuple[int, int, int]:
        """Return the voxel of the image nearest the middle of what is on screen, on the current slice."""
        index = self._centre(view)
        if index is None:
            return _middle(view.shape)
        z, y, x = np.clip(np.round(index), 0, np.asarray(view.shape) - 1).astype(int).tolist()
        return z, y, x

    def slice_on_screen(self, view: SourceView) -> tuple[slice, slice, slice] | None:
        """Return the slice of the image that is on screen, in voxels; None in 3D or when it runs across."""
        layer = find_layer(self._viewer, view.uid)
        if layer is None or self.in_3d:
            return None
        world = np.asarray(self.point)
        step = np.zeros_like(world)
        step[self._viewer.dims.not_displayed[-1]] = 1.0
        way = np.abs(np.asarray(layer.world_to_data(world + step)) - np.asarray(layer.world_to_data(world)))[
            -3:
        ]
        axis = int(way.argmax())
        if way.sum() - way[axis] > 1e-3 * way[axis]:
            return None
        at = self.centre_index(view)[axis]
        z, y, x = (slice(at, at + 1) if i == axis else slice(0, n) for i, n in enumerate(view.shape))
        return z, y, x

    def go_to(self, view: SourceView, index: Sequence[float]) -> None:
        """Bring a voxel of the image on screen: move the slice and the camera's centre, not the zoom."""
        layer = find_layer(self._viewer, view.uid)
        if layer is None:
            return
        world = np.asarray(layer.data_to_world(view.frame + tuple(float(i) for i in index)))
        point = np.asarray(self.point)
        point[-len(world) :] = world
        for axis, value in enumerate(point):
            self._viewer.dims.set_point(axis, float(value))
        displayed = list(self._viewer.dims.displayed)
        centre = np.asarray(self._viewer.scene.camera.center, float)
        centre[-len(displayed) :] = point[displayed]
        self._viewer.scene.camera.center = tuple(centre.tolist())

    def go_to_image(self, view: SourceView) -> None:
        """Bring the middle of the image on screen if the middle of the screen lies beside the image."""
        index = self._centre(view)
        if index is not None and not ((index > -0.5) & (index < np.asarray(view.shape) - 0.5)).all():
            self.go_to(view, _middle(view.shape))

    def go_to_stage(self, stage: int) -> None:
        """Move the viewer along the axis of the exploded stages, which is its first."""
        self._viewer.dims.set_point(0, float(stage))

    def mirrors(self, view: SourceView) -> bool:
        """Whether three dimensions are on screen, and as a mirror image of the patient."""
        return self.in_3d and view.orientation_known and mirrored(self._viewer, view.world_to_mm)

    def show_view(self, view: SourceView, name: str) -> None:
        """Turn the viewer to "axial", "coronal", "sagittal" or "3d"."""
        if name in PLANES:
            show_plane(self._viewer, name, view.world_to_mm)
        else:
            show_solid(self._viewer, view.world_to_mm)

    def _centre(self, view: SourceView) -> np.ndarray | None:
        """Index (3,) of the image at the middle of the screen, on the current slice; None if it is gone."""
        world = np.asarray(self.point)
        displayed = list(self._viewer.dims.displayed)
        world[displayed] = np.asarray(self._viewer.scene.camera.center)[-len(displayed) :]
        layer = find_layer(self._viewer, view.uid)
        return None if layer is None else np.asarray(layer.world_to_data(world))[-3:]


def _middle(shape: Sequence[int]) -> tuple[int, int, int]:
    z, y, x = (n // 2 for n in shape)
    return z, y, x
