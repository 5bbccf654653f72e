"""Letters for the edges of the canvas: where the patient's right, left, front, back, head and feet are."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import napari

# towards and away from superior, posterior and left
_ENDS = (("S", "I"), ("P", "A"), ("L", "R"))


class Edges(NamedTuple):
    """One letter for each edge of a slice: R, L, A, P, S or I."""

    top: str
    bottom: str
    left: str
    right: str


def direction_letter(direction: np.ndarray) -> str:
    """Letter of the end of the patient that an (S, P, L) direction points to, such as "A".

    >>> direction_letter(np.array([0.1, -0.9, 0.2]))
    'A'
    """
    axis = int(np.abs(direction).argmax())
    return _ENDS[axis][0 if direction[axis] > 0 else 1]


def edges_of(down: np.ndarray, right: np.ndarray) -> Edges:
    """Return the letters of a picture whose rows run `down` and whose columns run `right`, in (S, P, L)."""
    return Edges(*(direction_letter(way) for way in (-down, down, -right, right)))


def edges_on_screen(viewer: napari.viewer.Viewer, world_to_mm: np.ndarray) -> Edges | None:
    """Return the letters of the slice that a viewer shows; None in 3D, or where an axis is not of space.

    Parameters
    ----------
    viewer
        Its order of axes and the orientation of its camera count.
    world_to_mm
        (4, 4), the last three world axes -> (S, P, L) mm.
    """
    leading = viewer.dims.ndim - 3
    vertical, horizontal = (axis - leading for axis in viewer.dims.order[-2:])
    if viewer.dims.ndisplay == 3 or min(vertical, horizontal) < 0:
        return None
    _, way_down, way_right = (str(way) for way in viewer.scene.camera.orientation)
    axes = world_to_mm[:3, :3]
    down = axes[:, vertical] * (1 if way_down == "down" else -1)
    right = axes[:, horizontal] * (1 if way_right == "right" else -1)
    return edges_of(down, right)
