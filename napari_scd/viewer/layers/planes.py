"""Axial, coronal and sagittal slices through one voxel, whatever way the array axes run; no napari."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from napari_scd.viewer.layers.letters import Edges
from napari_scd.volume import turn_to

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_scd.viewer.layers.source_view import SourceView

Voxel = tuple[int, int, int]


class SlicePlane(NamedTuple):
    """A plane of an array whose axes run to (S, P, L): its normal, what runs down and what runs right.

    Parameters
    ----------
    normal, down, right
        Axes of the array.
    upwards
        Whether the rows run against their axis, so that superior is up.
    """

    name: str
    normal: int
    down: int
    right: int
    upwards: bool
    edges: Edges


THREE_PLANES = (
    SlicePlane("Axial", 0, 1, 2, False, Edges("A", "P", "R", "L")),
    SlicePlane("Coronal", 1, 0, 2, True, Edges("S", "I", "R", "L")),
    SlicePlane("Sagittal", 2, 0, 1, True, Edges("S", "I", "A", "P")),
)


class Cuts:
    """Cuts slices out of arrays on the grid of one image.

    Parameters
    ----------
    view
        The image and its frame.
    """

    def __init__(self, view: SourceView) -> None:
        self._view = view
        self._turn = turn_to("SPL", view.affine)
        self._to_source = self._turn.matrix(view.shape)
        shape = [view.shape[axis] for axis in self._turn.order]
        self.shape: Voxel = (shape[0], shape[1], shape[2])
        spacing = [view.spacing_mm[axis] for axis in self._turn.order]
        self.spacing_mm = (spacing[0], spacing[1], spacing[2])

    def turned(self, index: Sequence[float]) -> Voxel:
        """Voxel of the (S, P, L) array for a voxel of the source, moved inside."""
        place = np.linalg.solve(self._to_source, [*index, 1.0])[:3]
        s, p, left = np.clip(np.floor(place + 0.5), 0, np.asarray(self.shape) - 1).astype(int).tolist()
        return s, p, left

    def source(self, voxel: Sequence[int]) -> Voxel:
        """Voxel of the source for a voxel of the (S, P, L) array."""
        z, y, x = (self._to_source @ [*voxel, 1.0])[:3].round().astype(int).tolist()
        return z, y, x

    def cut(self, data: Any, plane: SlicePlane, voxel: Voxel) -> np.ndarray:
        """Return (rows, columns) of a layer's array through a voxel of the (S, P, L) array.

        Only that slice of a lazy array is read.
        """
        array = data if self._view.stacked else data[self._view.frame]
        array = array[(0,) * (len(array.shape) - 3)]
        axis, at = self._turn.order[plane.normal], self.source(voxel)
        part = [slice(None)] * 3
        part[axis] = slice(at[axis], at[axis] + 1)
        slab = self._turn(np.asarray(array[tuple(part)]))
        rows = np.take(slab, 0, axis=plane.normal)
        return np.asarray(rows[::-1] if plane.upwards else rows)

    def aspect(self, plane: SlicePlane) -> float:
        """Height of a pixel over its width."""
        return self.spacing_mm[plane.down] / self.spacing_mm[plane.right]

    def proportion(self, plane: SlicePlane) -> float:
        """Width of a slice over its height, in the patient."""
        return self.shape[plane.right] / max(self.shape[plane.down] * self.aspect(plane), 1e-6)

    def pixel(self, plane: SlicePlane, voxel: Voxel) -> tuple[int, int]:
        """Row and column of a voxel in its slice."""
        row = voxel[plane.down]
        return (self.shape[plane.down] - 1 - row if plane.upwards else row), voxel[plane.right]

    def voxel(self, plane: SlicePlane, pixel: tuple[int, int], through: Voxel) -> Voxel:
        """Voxel at a row and column of the slice through another one, moved inside."""
        moved = list(through)
        row, moved[plane.right] = pixel
        moved[plane.down] = self.shape[plane.down] - 1 - row if plane.upwards else row
        s, p, left = (min(max(i, 0), n - 1) for i, n in zip(moved, self.shape, strict=True))
        return s, p, left


def outlines(labels: np.ndarray) -> np.ndarray:
    """Return (rows, columns) labels on the inner border of each label, 0 elsewhere.

    >>> outlines(np.pad(np.full((3, 3), 7), 1))[2].tolist()
    [0, 7, 0, 7, 0]
    """
    padded = np.pad(labels, 1, mode="edge")
    inside = np.ones(labels.shape, bool)
    for row, column in ((0, 1), (2, 1), (1, 0), (1, 2)):
        inside &= padded[row : row + labels.shape[0], column : column + labels.shape[1]] == labels
    return np.where(inside, 0, labels)
