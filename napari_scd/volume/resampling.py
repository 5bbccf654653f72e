"""Changes the voxel size, and leads back to the original grid.

Old and new grid share their centre, so a voxel index on one axis of the target grid lies at
``(i - (n_to - 1) / 2) * step + (n_from - 1) / 2`` on the other, with ``step`` in voxels.
Each axis is a small sparse matrix of weights. Where the grid gets finer they interpolate linearly; where it
gets coarser they average the linear interpolant over about one new voxel, so that detail the new grid cannot
hold does not alias. Both leave linear ramps exactly as they are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse

from napari_scd.errors import InputError

if TYPE_CHECKING:
    from napari_scd.volume.volume import Volume

_SAME_WITHIN = 0.01
_MAX_VOXELS = 2**33
_LARGEST_STEP = 1000.0  # the weights of an axis take memory in proportion
_FEW_VOXELS, _MOST_GROWTH = 2**27, 64
_SLAB_VALUES = 2**22


class AxisMap(NamedTuple):
    """How one axis of a grid samples the same axis of another grid with the same centre.

    Parameters
    ----------
    n_from, n_to
        The two lengths in voxels.
    step
        Size of a target voxel, in voxels of the grid it samples.

    Examples
    --------
    Six voxels of 1 mm become four of 1.5 mm; both rows keep their middle::

        from  |  0  |  1  |  2  |  3  |  4  |  5  |
        to    |   0    |   1    |    2   |    3   |

    >>> there = AxisMap(6, 4, 1.5)
    >>> there.positions().tolist()
    [0.25, 1.75, 3.25, 4.75]
    >>> there.inverse().nearest().tolist()  # the new voxel that each old one takes its label from
    [0, 0, 1, 2, 2, 3]
    """

    n_from: int
    n_to: int
    step: float

    @property
    def is_identity(self) -> bool:
        """Whether both grids have the same voxels."""
        return self.n_from == self.n_to and self.step == 1.0

    def inverse(self) -> AxisMap:
        """Return the map for the way back."""
        return AxisMap(self.n_to, self.n_from, 1.0 / self.step)

    def positions(self) -> np.ndarray:
        """Return, for each target voxel, its place (n_to,) on the sampled axis, with fractions."""
        return (np.arange(self.n_to) - (self.n_to - 1) / 2) * self.step + (self.n_from - 1) / 2

    def nearest(self) -> np.ndarray:
        """Return, for each target voxel, the whole index (n_to,) of the nearest sampled voxel."""
        # halves are rounded down everywhere, whatever the rounding error of the position
        return np.clip(np.ceil(self.positions() - 0.5 - 1e-6), 0, self.n_from - 1).astype(np.intp)

    def weights(self) -> sparse.csr_array:
        """Return the weights (n_to, n_from); rows sum to 1, and outside the grid its border voxels go on."""
        return axis_weights(self.positions(), self.step, self.n_from)


def axis_weights(positions: np.ndarray, step: float, n_from: int) -> sparse.csr_array:
    """Return how places along an axis mix the voxels of that axis.

    Parameters
    ----------
    positions
        (n_to,) places on the sampled axis, with fractions.
    step
        Their distance in sampled voxels: where it is above 1, about one step is averaged, else two voxels are
        interpolated linearly.
    n_from
        Voxels of the sampled axis.

    Returns
    -------
    (n_to, n_from) float32; rows sum to 1, and outside the axis its border voxels go on.
    """
    # hat and box together are as wide as the new voxel; nothing is averaged at a step of 1 or less
    box = float(np.sqrt(max(0.0, step**2 - 1.0)))
    places = positions[:, None]
    first = np.floor(places - 1.0 - box / 2).astype(np.intp)
    columns = first + np.arange(int(np.ceil(box)) + 4)
    away = columns - places
    if box > 0.0:
        values = (_hat_integral(away + box / 2) - _hat_integral(away - box / 2)) / box
    else:
        values = np.clip(1.0 - np.abs(away), 0.0, None)
    rows = np.broadcast_to(np.arange(len(positions))[:, None], columns.shape)
    entries = (values.ravel(), (rows.ravel(), np.clip(columns, 0, n_from - 1).ravel()))
    matrix = sparse.csr_array(entries, shape=(len(positions), n_from), dtype=np.float32)
    matrix.eliminate_zeros()
    return matrix


@dataclass(frozen=True)
class ResampleUndo:
    """The way back from a resampled grid onto the original one.

    Parameters
    ----------
    maps
        For each array axis, how the original grid samples the resampled one.
    """

    maps: tuple[AxisMap, AxisMap, AxisMap]

    def __call__(self, labels: np.ndarray) -> np.ndarray:
        """Return labels, (z, y, x) or (c, z, y, x), on the original grid, each the nearest value."""
        self._check(labels)
        for axis, step in enumerate(self.maps, start=labels.ndim - 3):
            if not step.is_identity:
                labels = labels.take(step.nearest(), axis=axis)
        return labels

    def linear(self, array: np.ndarray) -> np.ndarray:
        """Return a float array, (z, y, x) or (c, z, y, x), on the original grid, interpolated, float32."""
        self._check(array)
        return apply_maps(array, self.maps)

    def _check(self, array: np.ndarray) -> None:
        expected = tuple(step.n_from for step in self.maps)
        if array.shape[-3:] != expected:
            raise ValueError(
                f"An array of shape {array.shape} does not lie on the resampled grid {expected}."
            )


def resample(volume: Volume, spacing_mm: tuple[float, float, float]) -> tuple[Volume, ResampleUndo]:
    """Bring a volume to another voxel size and return the way back.

    The field of view keeps its centre and its size, to half a new voxel.

    Parameters
    ----------
    volume
        A volume in any axis order.
    spacing_mm
        The new voxel size, in the order of the array's axes. An axis within 1 % of it stays as it is.

    Returns
    -------
    The resampled volume, float32, and the way back. When no axis changes, ``volume`` itself comes back.

    Raises
    ------
    InputError
        When a voxel size is not above zero or the new grid would be absurdly large.
    """
    maps = tuple(
        _axis_map(n, old, new)
        for n, old, new in zip(volume.spatial_shape, volume.spacing_mm, spacing_mm, strict=True)
    )
    undo = ResampleUndo(tuple(step.inverse() for step in maps))  # type: ignore[arg-type]
    if all(step.is_identity for step in maps):
        return volume, undo
    shape = tuple(step.n_to for step in maps)
    n_voxels, n_before = math.prod(shape), math.prod(volume.spatial_shape)
    if n_voxels > _MAX_VOXELS or n_voxels > max(_FEW_VOXELS, _MOST_GROWTH * n_before):
        raise InputError(
            f"At {' x '.join(f'{mm:g}' for mm in spacing_mm)} mm the image would have "
            f"{' x '.join(map(str, shape))} voxels; check its voxel size, or crop it to the part you need."
        )
    old_from_new = np.eye(4)
    for axis, step in enumerate(maps):
        old_from_new[axis, axis] = step.step
        old_from_new[axis, 3] = step.positions()[0]
    array = apply_maps(volume.array, maps)
    return replace(volume, array=array, affine=volume.affine @ old_from_new), undo


def apply_maps(array: np.ndarray, maps: tuple[AxisMap, ...]) -> np.ndarray:
    """Sample an array, (z, y, x) or (c, z, y, x), along its three spatial axes; the result is float32."""
    lead = array.ndim - 3
    # the axes that shrink most come first: that leaves less to do for the others
    for axis in sorted(range(3), key=lambda axis: maps[axis].n_to / maps[axis].n_from):
        if not maps[axis].is_identity:
            array = _along(array, maps[axis].weights(), lead + axis)
    return np.ascontiguousarray(array, dtype=np.float32)


def _along(array: np.ndarray, weights: sparse.csr_array, axis: int) -> np.ndarray:
    """Multiply every line along one axis of an array by weights (n_to, n_from); the result is float32.

    Lines do not depend on each other, so this goes slab by slab: a large scan, which may lie on disk, never
    stands in memory in single precision.
    """
    across = next(other for other in range(array.ndim - 3, array.ndim) if other != axis)
    result = np.empty((*array.shape[:axis], weights.shape[0], *array.shape[axis + 1 :]), np.float32)
    step = max(1, _SLAB_VALUES * array.shape[across] // math.prod(array.shape))
    for first in range(0, array.shape[across], step):
        here = (slice(None),) * across + (slice(first, first + step),)
        moved = np.moveaxis(np.asarray(array[here]), axis, 0)
        flat = moved.reshape(moved.shape[0], -1).astype(np.float32, copy=False)
        lines = np.asarray(weights @ flat).reshape(weights.shape[0], *moved.shape[1:])
        result[here] = np.moveaxis(lines, 0, axis)
    return result


def _hat_integral(t: np.ndarray) -> np.ndarray:
    """Return the integral from -1 to ``t`` of the hat function 1 - |t|."""
    t = np.clip(t, -1.0, 1.0)
    return np.asarray(0.5 + t - 0.5 * t * np.abs(t))


def _axis_map(n: int, old_mm: float, new_mm: float) -> AxisMap:
    if not (np.isfinite(new_mm) and new_mm > 0):
        raise InputError(f"The new voxel size is {new_mm:g} mm; give sizes above zero.")
    step = new_mm / old_mm
    if not 1 / _LARGEST_STEP <= step <= _LARGEST_STEP:
        raise InputError(
            f"Voxels of {old_mm:g} mm cannot be resampled to {new_mm:g} mm; check the image's voxel size."
        )
    if abs(step - 1.0) <= _SAME_WITHIN:
        return AxisMap(n, n, 1.0)
    return AxisMap(n, max(1, round(n / step)), step)
