"""The way back from the model grid to the volume's own grid.

One row of a 1 mm source and its 2 mm model grid, with labels a and b::

    source voxel    0   1   2   3   4   5   6
    model voxel     0       1       2       3
    its label       a       a       b       b
    back            a   a   a   ?   b   b   b

Where all model voxels around a source voxel agree, that is its label. Only at ``?`` are logits interpolated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
import torch
from torch.nn.functional import embedding_bag

from napari_scd.engine.postprocess import class_probabilities, label_map

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray
    from torch import Tensor

    from napari_scd.engine.parts import StrayPart
    from napari_scd.engine.preprocess import Prepared
    from napari_scd.engine.windows import Size3
    from napari_scd.volume import Recipe, Volume


V = TypeVar("V", np.uint8, np.bool_)


class _Plane(NamedTuple):
    """Where the voxels of a source plane lie on a model plane: lower corner of the cell, distance from it.

    Attributes
    ----------
    cells : ``(n,)`` int64
        Row-major index of the model voxel below.
    y, x : ``(n,)`` float32
        Share of the next model voxel along each axis, 0 to 1.
    """

    cells: NDArray[np.int64]
    y: NDArray[np.float32]
    x: NDArray[np.float32]


class WayBack:
    """A box of the model grid, mapped back to the source grid.

    Parameters
    ----------
    prepared : Prepared
    low, high : (z, y, x) int
        The box, image voxels of the model grid.

    Notes
    -----
    Resampling keeps the axes, so each source index along an axis has one place between two model indices.
    Labels are those of linearly interpolated logits. Where the eight model voxels around a source voxel agree
    on the label, so does any mixture of their logits; only the other voxels are interpolated.
    """

    def __init__(self, prepared: Prepared, low: Size3, high: Size3) -> None:
        self._prepared = prepared
        to_model = np.linalg.inv(prepared.affine) @ prepared.oriented_affine
        self._width = high[2] - low[2]
        self._first: list[int] = []
        self._below: list[NDArray[np.int64]] = []
        self._share: list[NDArray[np.float32]] = []
        for axis in range(3):
            count, size = prepared.oriented_shape[axis], prepared.grid.size[axis]
            place = to_model[axis, axis] * np.arange(count) + to_model[axis, 3]
            begin = -np.inf if low[axis] == 0 else low[axis] - 0.5
            end = np.inf if high[axis] == size else high[axis] - 0.5
            inside = np.flatnonzero((place >= begin) & (place < end))
            place = np.clip(place[inside] - low[axis], 0, high[axis] - low[axis] - 1)
            below = np.minimum(np.floor(place + 1e-6).astype(np.int64), max(high[axis] - low[axis] - 2, 0))
            self._first.append(int(inside[0]) if len(inside) else 0)
            self._below.append(below)
            self._share.append((place - below).astype(np.float32))

    @property
    def _shape(self) -> tuple[int, int, int]:
        z, y, x = (len(below) for below in self._below)
        return z, y, x

    @property
    def region(self) -> tuple[slice, slice, slice]:
        """The box as slices of the source array."""
        if 0 in self._shape:
            return slice(0), slice(0), slice(0)
        high = [first + n for first, n in zip(self._first, self._shape, strict=True)]
        return self._prepared.source_region(self._first, high)

    def labels(
        self,
        labels: NDArray[np.uint8],
        logits: Tensor | None,
        recipe: Recipe,
        only: NDArray[np.bool_] | None = None,
    ) -> NDArray[np.uint8]:
        """Labels on the oriented source grid within the box.

        Parameters
        ----------
        labels : ``(z, y, x)`` of the box
        logits : Tensor ``(z, y, x, classes)`` of the box, or None
            None = nearest neighbour.
        only : bool ``(z, y, x)`` of the box, optional
            Labels are 0 where no model voxel around a source voxel is in it (itself, if not resampled).
        """
        if not self._prepared.resampled:
            return labels if only is None else labels * only
        if logits is None:
            found = self.nearest(labels)
            return found if only is None else found * self.touched(only)
        low, high = _cell_extremes(labels)
        mixed = low != high
        if only is not None:
            touched = _cell_extremes(only)[1]
            low *= touched
            mixed &= touched
        there = (low != 0).any(axis=(1, 2)) | mixed.any(axis=(1, 2))
        found = np.zeros(self._shape, np.uint8)
        place = self._plane()
        before, agreed, points = -1, np.empty(0, np.uint8), np.empty(0, np.int64)
        for z, below in enumerate(self._below[0]):
            if not there[below]:
                continue
            if below != before:  # several planes of a finer source lie between the same two of the model
                before, agreed = int(below), low[below].ravel()[place.cells]
                points = np.flatnonzero(mixed[below].ravel()[place.cells])
            plane = found[z].reshape(-1)
            plane[:] = agreed
            if len(points):
                plane[points] = label_map(self._interpolate(logits, z, place, points), recipe)
        return found

    def nearest(self, values: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Values of the nearest model voxels, on the oriented source grid within the box."""
        if not self._prepared.resampled:
            return values
        places = [b + (s > 0.5) for b, s in zip(self._below, self._share, strict=True)]
        return values[np.ix_(*places)]

    def remove(self, parts: Iterable[StrayPart], found: NDArray[np.uint8]) -> None:
        """Remove parts found on the model grid from labels on the oriented source grid, in place.

        A source voxel lies in a cell of 2 x 2 x 2 model voxels. No cell holds both a part and what stays of
        its label, so in the part's cells all voxels of its label go::

            model    1 1 . . . 1     the 1 on the right is a part to remove
            source  111.......11     so are the two that lie in its cells
        """
        for part in parts:
            if not self._prepared.resampled:
                here = part.box
                gone = part.mask
            else:
                wide = np.pad(part.mask, 1)
                cells = _cell_extremes(wide)[1]
                spans, picks = [], []
                for below, side in zip(self._below, part.box, strict=True):
                    first, last = np.searchsorted(below, (side.start - 1, side.stop))
                    spans.append(slice(int(first), int(last)))
                    picks.append(below[first:last] - (side.start - 1))
                here = (spans[0], spans[1], spans[2])
                gone = cells[np.ix_(*picks)]
            found[here][gone & (found[here] == part.label)] = 0

    def touched(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Tell where a model voxel around a source voxel is in `mask` (itself, if not resampled)."""
        if not self._prepared.resampled:
            return mask
        return _cell_extremes(mask)[1][np.ix_(*self._below)]

    def probabilities(self, logits: Tensor, seen: NDArray[np.bool_], recipe: Recipe) -> NDArray[np.float16]:
        """Probabilities ``(classes, z, y, x)`` on the oriented source grid within the box, plane by plane.

        Parameters
        ----------
        logits : Tensor ``(z, y, x, classes)`` of the box
        seen : bool ``(z, y, x)``
            Where a window was computed; elsewhere the result stays 0.
        """
        n_classes = logits.shape[-1]
        result = np.zeros((n_classes, *self._shape), np.float16)
        place = self._plane()
        for z in range(self._shape[0]):
            plane = class_probabilities(self._interpolate(logits, z, place), recipe)
            there = seen[self._below[0][z]][np.ix_(self._below[1], self._below[2])]
            result[:, z] = plane.reshape(n_classes, *there.shape).numpy() * there
        return result

    def above_zero(self, logits: Tensor) -> NDArray[np.bool_]:
        """Tell where logits are above 0: ``(classes, z, y, x)`` on the oriented source grid within the box.

        Parameters
        ----------
        logits : Tensor ``(z, y, x, classes)`` of the box
        """
        n_classes = logits.shape[-1]
        result = np.zeros((n_classes, *self._shape), bool)
        place = self._plane()
        for z in range(self._shape[0]):
            plane = self._interpolate(logits, z, place) > 0
            result[:, z] = plane.reshape(n_classes, *self._shape[1:]).numpy()
        return result

    def on_source(self, found: NDArray[np.generic]) -> Volume:
        """Place a box on the oriented grid into a zero volume and turn it to the source's axes."""
        prepared = self._prepared
        whole = found
        if self._shape != prepared.oriented_shape:
            whole = np.zeros((*found.shape[:-3], *prepared.oriented_shape), found.dtype)
            z, y, x = (slice(a, a + n) for a, n in zip(self._first, self._shape, strict=True))
            whole[..., z, y, x] = found
        return prepared.source.with_array(prepared.turn_back(whole))

    def _plane(self) -> _Plane:
        """Say where the voxels of a source plane, row by row, lie on a model plane."""
        rows, columns = self._below[1:]
        width = self._width
        cells = (rows[:, None] * width + columns).ravel()
        shares = np.broadcast_arrays(self._share[1][:, None], self._share[2])
        return _Plane(cells, *(share.ravel() for share in shares))

    def _interpolate(
        self, logits: Tensor, z: int, place: _Plane, points: NDArray[np.int64] | slice = slice(None)
    ) -> Tensor:
        """Interpolate ``(z, y, x, classes)`` linearly at voxels of a source plane: ``(classes, points)``."""
        depth, height, width, n_classes = logits.shape
        below, share = int(self._below[0][z]), float(self._share[0][z])
        plane = torch.lerp(logits[below].float(), logits[min(below + 1, depth - 1)].float(), share)
        cells, y, x = place.cells[points], place.y[points], place.x[points]
        rows, shares = np.empty((len(cells), 4), np.int64), np.empty((len(cells), 4), np.float32)
        down, right = width * (height > 1), int(width > 1)
        for corner, step in enumerate((0, right, down, down + right)):
            np.add(cells, step, out=rows[:, corner])
        np.multiply(y, x, out=shares[:, 3])
        np.subtract(y, shares[:, 3], out=shares[:, 2])
        np.subtract(x, shares[:, 3], out=shares[:, 1])
        np.subtract(1 - y, shares[:, 1], out=shares[:, 0])
        mixed = embedding_bag(
            torch.from_numpy(rows),
            plane.view(-1, n_classes),
            per_sample_weights=torch.from_numpy(shares),
            mode="sum",
        )
        return mixed.T


def _cell_extremes(values: NDArray[V]) -> tuple[NDArray[V], NDArray[V]]:
    """Smallest and largest value of each voxel and its upper neighbours (2 x 2 x 2, clipped at the end).

    Examples
    --------
    >>> low, high = _cell_extremes(np.array([1, 1, 2, 2], np.uint8))
    >>> (low != high).tolist()  # only between the second and third voxel do labels differ
    [False, True, False, False]
    """
    low, high = values.copy(), values.copy()
    for axis in range(values.ndim):
        head = tuple(slice(None, -1) if a == axis else slice(None) for a in range(values.ndim))
        tail = tuple(slice(1, None) if a == axis else slice(None) for a in range(values.ndim))
        np.minimum(low[head], low[tail].copy(), out=low[head])
        np.maximum(high[head], high[tail].copy(), out=high[head])
    return low, high
