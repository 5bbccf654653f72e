"""Axial, coronal and sagittal as a radiologist expects them, from where the viewer's axes point.

napari lays any slice with its first axis downwards and shows (z, y, x) in 3D as a right-handed frame. In the
patient, (superior, posterior, left) is a left-handed one: coronal and sagittal slices stand on their head and
3D is a mirror image, until the camera's orientation says otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import napari

PLANES = ("axial", "coronal", "sagittal")
# (S, P, L) directions that point up and to the right on screen, by plane
_UP = {"axial": (0.0, -1.0, 0.0), "coronal": (1.0, 0.0, 0.0), "sagittal": (1.0, 0.0, 0.0)}
_RIGHT = {"axial": (0.0, 0.0, 1.0), "coronal": (0.0, 0.0, 1.0), "sagittal": (0.0, 1.0, 0.0)}


class PlaneView(NamedTuple):
    """How a viewer shows a plane: order of the last three world axes, camera orientation (depth first)."""

    order: tuple[int, int, int]
    orientation: tuple[str, str, str]


def standing(plane: str, world_to_mm: np.ndarray) -> PlaneView:
    """Return how to show a plane with the patient upright, or lying on the back for axial slices.

    Anterior is up and the patient's right on the left in axial slices; superior is up in the others, with the
    patient's right on the left (coronal) or anterior on the left (sagittal). Depth is such that 3D is no
    mirror image.

    Parameters
    ----------
    plane
        One of `PLANES`.
    world_to_mm
        (4, 4), the last three world axes -> (S, P, L) mm.
    """
    axes = world_to_mm[:3, :3] / np.linalg.norm(world_to_mm[:3, :3], axis=0)
    up, right = np.asarray(_UP[plane]), np.asarray(_RIGHT[plane])
    vertical, horizontal = (int(np.abs(way @ axes).argmax()) for way in (up, right))
    depth = 3 - vertical - horizontal
    return PlaneView(
        (depth, vertical, horizontal),
        (
            "towards" if _towards(up, right) @ axes[:, depth] > 0 else "away",
            "up" if up @ axes[:, vertical] > 0 else "down",
            "right" if right @ axes[:, horizontal] > 0 else "left",
        ),
    )


def mirrored(viewer: napari.viewer.Viewer, world_to_mm: np.ndarray) -> bool:
    """Tell whether the viewer's 3D view is a mirror image of the patient."""
    displayed = [axis - (viewer.dims.ndim - 3) for axis in viewer.dims.order[-3:]]
    if sorted(displayed) != [0, 1, 2]:
        return False
    axes = world_to_mm[:3, :3][:, displayed]
    # on screen, (towards, down, right) is right-handed; (S, P, L) is left-handed in the patient
    signs = [
        1.0 if str(way) == straight else -1.0
        for way, straight in zip(viewer.scene.camera.orientation, ("towards", "down", "right"), strict=True)
    ]
    return bool(np.linalg.det(axes) * np.prod(signs) > 0)


def show_plane(viewer: napari.viewer.Viewer, plane: str, world_to_mm: np.ndarray) -> None:
    """Turn the viewer to a plane, in 2D; the point and the zoom stay."""
    order, orientation = standing(plane, world_to_mm)
    leading = viewer.dims.ndim - 3
    point = np.asarray(viewer.dims.point, float)
    viewer.dims.ndisplay = 2
    viewer.dims.order = (*range(leading), *(axis + leading for axis in order))
    viewer.scene.camera.orientation = orientation
    centre = [0.0, *point[[leading + order[1], leading + order[2]]]]
    viewer.scene.camera.center = tuple(float(value) for value in centre)


def show_solid(viewer: napari.viewer.Viewer, world_to_mm: np.ndarray) -> None:
    """Show three dimensions, from the front with superior up, not mirrored."""
    order, orientation = standing("coronal", world_to_mm)
    leading = viewer.dims.ndim - 3
    viewer.dims.order = (*range(leading), *(axis + leading for axis in order))
    viewer.scene.camera.orientation = orientation
    viewer.dims.ndisplay = 3
    viewer.scene.camera.angles = (0.0, 0.0, 0.0)
    viewer.reset_view()


def _towards(up: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the (S, P, L) direction towards the viewer: right x up, where (L, P, S) is right-handed."""
    return np.cross(right[::-1], up[::-1])[::-1]
