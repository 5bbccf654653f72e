"""Three planes through what was found: the same cut through scan, labels and token map."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
from scipy import ndimage

from napari_scd.volume import reorient

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_scd.engine import Segmentation
    from napari_scd.volume import Volume

_NAMES = ("axial", "coronal", "sagittal")
_ENDS = (("R", "L", "A", "P"), ("R", "L", "S", "I"), ("A", "P", "S", "I"))
_FINE = 8
_T = TypeVar("_T", bound=np.generic)


class Plane(NamedTuple):
    """One plane, cropped around the structures.

    Attributes
    ----------
    name : str
        "axial", "coronal" or "sagittal".
    at_mm : float
        Its place: mm to Superior, Anterior or Right.
    scan, labels : ``(rows, columns)``
        Shown with row 0 on top.
    tokens : ``(rows * 8, columns * 8)`` uint8
        Exit stage on a finer grid, so that thin lines can separate the tokens.
    edges : ``(rows * 8, columns * 8)`` bool
        True on the lines between tokens.
    spacing_mm : (row, column) float
    ends : (left, right, top, bottom)
        Letters at the sides of the picture.
    """

    name: str
    at_mm: float
    scan: NDArray[np.float32]
    labels: NDArray[np.uint8]
    tokens: NDArray[np.uint8]
    edges: NDArray[np.bool_]
    spacing_mm: tuple[float, float]
    ends: tuple[str, str, str, str]


def cut_planes(volume: Volume, segmentation: Segmentation, margin_mm: float = 22.0) -> tuple[Plane, ...]:
    """Cut the axial, coronal and sagittal plane that show most of the labels.

    Parameters
    ----------
    volume : Volume
        The scan, one channel, in any axis order.
    segmentation : Segmentation
        Of that scan, with at least one voxel labelled.
    margin_mm : float
        Room around the labels.
    """
    scan, _ = reorient(volume, "SPL")
    labels, _ = reorient(segmentation.labels, "SPL")
    image = scan.array if scan.array.ndim == 3 else scan.array[0]
    found = labels.array > 0
    box = _box(found, scan.spacing_mm, margin_mm)
    to_token = np.linalg.inv(segmentation.tokens.affine) @ scan.affine
    planes = []
    for axis, name in enumerate(_NAMES):
        others = tuple(other for other in range(3) if other != axis)
        index = int(found.sum(axis=others).argmax())
        cut: list[slice | int] = list(box)
        cut[axis] = index
        place = _token_places(cut, to_token)
        nearest = np.rint(place).astype(int)
        stage = ndimage.map_coordinates(segmentation.tokens.array, nearest, order=0, cval=0)
        centre = [(edge.start + edge.stop) / 2 for edge in box]
        centre[axis] = index
        right, anterior, superior = scan.ras_mm_of(centre)
        planes.append(
            Plane(
                name=name,
                at_mm=float((superior, anterior, right)[axis]),
                scan=_upright(image[tuple(cut)].astype(np.float32), axis),
                labels=_upright(labels.array[tuple(cut)], axis),
                tokens=_upright(stage, axis),
                edges=_upright(_edges(nearest), axis),
                spacing_mm=(scan.spacing_mm[others[0]], scan.spacing_mm[others[1]]),
                ends=_ENDS[axis],
            )
        )
    return tuple(planes)


def _upright(picture: NDArray[_T], axis: int) -> NDArray[_T]:
    """Turn rows that grow to Superior so that it is on top; axial rows begin with Anterior already."""
    return picture if axis == 0 else picture[::-1]


def _box(found: NDArray[np.bool_], spacing_mm: tuple[float, ...], margin_mm: float) -> tuple[slice, ...]:
    sides = []
    for axis, spacing in enumerate(spacing_mm):
        there = np.flatnonzero(found.any(axis=tuple(other for other in range(3) if other != axis)))
        margin = round(margin_mm / spacing)
        sides.append(slice(max(there[0] - margin, 0), min(there[-1] + margin + 1, found.shape[axis])))
    return tuple(sides)


def _token_places(cut: list[slice | int], to_token: NDArray[np.float64]) -> NDArray[np.float64]:
    """Token index ``(3, rows, columns)``, with fractions, of points 8 times as dense as a cut's voxels."""
    lines = [
        np.array([float(side)])
        if isinstance(side, int)
        else side.start - 0.5 + (np.arange((side.stop - side.start) * _FINE) + 0.5) / _FINE
        for side in cut
    ]
    grid = np.stack(np.meshgrid(*lines, indexing="ij"))
    place = np.tensordot(to_token[:3, :3], grid, axes=1) + to_token[:3, 3].reshape(3, 1, 1, 1)
    flat = [axis for axis, side in enumerate(cut) if isinstance(side, int)]
    return np.squeeze(place, axis=flat[0] + 1)


def _edges(nearest: NDArray[np.int_]) -> NDArray[np.bool_]:
    """Where a point belongs to another token than the point above or to the left."""
    lines = np.zeros(nearest.shape[1:], bool)
    lines[1:] |= (np.diff(nearest, axis=1) != 0).any(axis=0)
    lines[:, 1:] |= (np.diff(nearest, axis=2) != 0).any(axis=0)
    return lines
