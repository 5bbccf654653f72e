"""Windows at any place and spacing: where they lie on a scan, what is cut out, how answers go back.

Places count voxels of the oriented scan, with fractions; voxel centres lie at whole numbers, so the scan
reaches from -0.5 to n - 0.5. A window has voxels of the same size along every axis, whatever the scan's:

    scan     |   0   |   1   |   2   |   3   |      step = 0.75 voxels of the scan for each of the window
    window         |  0  |  1  |  2  |  3  |        first = 0.625, the centre of its first voxel
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_scd.volume import axis_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from napari_scd.engine.windows import Size3

    Place = tuple[float, float, float]
    Floats = NDArray[np.float32]
    Read = Callable[[Size3, Size3], Floats]

_SLAB_VOXELS = 2**21
_NEARLY = 1e-6


class Space(NamedTuple):
    """The grid of the oriented scan: voxels and their edges, in its axis order."""

    shape: Size3
    spacing_mm: Place

    def whole_mm(self, roi: Size3) -> float:
        """Spacing at which a window of `roi` voxels just sees the whole scan."""
        return max(n * mm / edge for n, mm, edge in zip(self.shape, self.spacing_mm, roi, strict=True))

    @property
    def finest_mm(self) -> float:
        """Smallest voxel edge."""
        return min(self.spacing_mm)


@dataclass(frozen=True)
class ScanWindow:
    """A window of the network on a scan.

    Parameters
    ----------
    first : (z, y, x) float
        Place of the centre of its first voxel.
    step : (z, y, x) float
        Voxels of the scan for each voxel of the window.
    roi : (z, y, x) int
        Its voxels.
    spacing_mm : float
        Edge of its voxels.
    """

    first: Place
    step: Place
    roi: Size3
    spacing_mm: float

    @classmethod
    def around(cls, place: Sequence[float], spacing_mm: float, roi: Size3, space: Space) -> ScanWindow:
        """Centre a window on a place, but let it see as little as possible outside the scan.

        Along axes on which the scan is shorter than the window, the scan lies in the middle.
        """
        first, step = [], []
        for at, mm, edge, n in zip(place, space.spacing_mm, roi, space.shape, strict=True):
            one = spacing_mm / mm
            length = one * edge
            low = (n - length) / 2 if length >= n else min(max(at + 0.5 - length / 2, 0.0), n - length)
            if abs(one - 1) < _NEARLY:  # its voxels are those of the scan, and nothing is interpolated
                low = float(np.floor(low + 0.5))
            first.append(low - 0.5 + one / 2)
            step.append(one)
        return cls(_place(first), _place(step), roi, spacing_mm)

    def index_of(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the indices into the window, with fractions, of places ``(n, 3)``."""
        return np.asarray((places - np.asarray(self.first)) / np.asarray(self.step))

    def places_of(self, indices: NDArray[np.generic]) -> NDArray[np.float64]:
        """Return the places of indices into the window ``(n, 3)``."""
        return np.asarray(np.asarray(self.first) + indices * np.asarray(self.step))

    def axis_places(self, axis: int) -> NDArray[np.float64]:
        """Places of the window's voxels along one axis, ``(roi[axis],)``."""
        return np.asarray(self.first[axis] + np.arange(self.roi[axis]) * self.step[axis])

    def ends(self, axis: int) -> tuple[float, float]:
        """Return where the window begins and ends along one axis."""
        low = self.first[axis] - self.step[axis] / 2
        return low, low + self.step[axis] * self.roi[axis]

    def open_ends(self, axis: int, space: Space) -> tuple[bool, bool]:
        """Whether the scan continues beyond the window's beginning and end along one axis."""
        low, high = self.ends(axis)
        return low > -0.5 + _NEARLY, high < space.shape[axis] - 0.5 - _NEARLY

    def sees_all(self, space: Space) -> bool:
        """Whether the whole scan lies inside."""
        return not any(any(self.open_ends(axis, space)) for axis in range(3))


def cut(read: Read, shape: Size3, window: ScanWindow, fill: float) -> Floats:
    """Cut a window out of a scan: averaged where it is coarser than the scan, interpolated where it is finer.

    Parameters
    ----------
    read : callable
        ``(low, high)`` -> voxels of that box, float32. Called slab by slab, so that the scan never stands in
        memory in single precision.
    shape : (z, y, x) int
        Voxels of the scan.
    window : ScanWindow
    fill : float
        What lies outside the scan.

    Returns
    -------
    float32 of shape ``window.roi``
    """
    result = np.full(window.roi, fill, np.float32)
    axes = [_mixed(window, axis, shape[axis]) for axis in range(3)]
    if any(part is None for part in axes):
        return result
    (rows_z, z, wz), (rows_y, y, wy), (rows_x, x, wx) = (part for part in axes if part is not None)
    inside = np.zeros((wz.shape[0], wy.shape[0], wx.shape[0]), np.float32)
    step = max(1, _SLAB_VOXELS // ((y.stop - y.start) * (x.stop - x.start)))
    for low in range(z.start, z.stop, step):
        high = min(low + step, z.stop)
        slab = read((low, y.start, x.start), (high, y.stop, x.stop))
        planes = np.matmul(np.matmul(wy, slab), wx.T)
        weights = wz[:, low - z.start : high - z.start]
        used = np.flatnonzero(weights.any(axis=1))
        if len(used):
            here = slice(int(used[0]), int(used[-1]) + 1)
            inside[here] += np.tensordot(weights[here], planes, axes=1)
    result[rows_z, rows_y, rows_x] = inside
    return result


def seen_from(window: ScanWindow, other: ScanWindow, values: NDArray[np.bool_] | Floats) -> Floats:
    """Return what one window holds as another one sees it: float32 of shape ``other.roi``, 0 outside."""
    z, y, x = ((b - a) / step for a, b, step in zip(window.first, other.first, window.step, strict=True))
    sz, sy, sx = (b / a for a, b in zip(window.step, other.step, strict=True))
    moved = ScanWindow((z, y, x), (sz, sy, sx), other.roi, other.spacing_mm)
    floats = np.asarray(values, np.float32)

    def read(low: Size3, high: Size3) -> Floats:
        return floats[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]

    return cut(read, window.roi, moved, 0.0)


class SpreadWindow(NamedTuple):
    """A box of the scan, and how its planes are made from a window's values."""

    low: Size3
    high: Size3
    weights: tuple[Floats, Floats, Floats]

    def planes(self, values: Floats) -> Iterator[Floats]:
        """Values of a window -> those of the box, ``(y, x)`` plane after plane."""
        wz, wy, wx = self.weights
        for row in wz:
            used = np.flatnonzero(row)
            plane = np.tensordot(row[used], values[used[0] : used[-1] + 1], axes=1)
            yield np.matmul(np.matmul(wy, plane), wx.T)


def spread(window: ScanWindow, shape: Size3, wanted: tuple[Size3, Size3]) -> SpreadWindow:
    """Prepare the way back from a window to the scan.

    Parameters
    ----------
    window : ScanWindow
    shape : (z, y, x) int
        Voxels of the scan.
    wanted : (low, high)
        Box of window indices, high exclusive; all scan voxels that depend on any of them are covered.
    """
    lows, highs, weights = [], [], []
    for axis, (a, b) in enumerate(zip(*wanted, strict=True)):
        first, step, n = window.first[axis], window.step[axis], shape[axis]
        reach = max(step, 1.0)  # interpolation reaches one voxel of the coarser grid further
        low = int(np.clip(np.ceil(first + a * step - reach), 0, n - 1))
        high = int(np.clip(np.floor(first + (b - 1) * step + reach) + 1, low + 1, n))
        places = (np.arange(low, high) - first) / step
        weights.append(axis_weights(places, 1 / step, window.roi[axis]).toarray())
        lows.append(low)
        highs.append(high)
    return SpreadWindow(_size3(lows), _size3(highs), (weights[0], weights[1], weights[2]))


def _mixed(window: ScanWindow, axis: int, n: int) -> tuple[slice, slice, Floats] | None:
    """Rows of a window inside the scan, the voxels they are made of, and the weights."""
    places = window.axis_places(axis)
    rows = np.flatnonzero((places > -0.5 - _NEARLY) & (places < n - 0.5 + _NEARLY))
    if not len(rows):
        return None
    weights = axis_weights(places[rows], window.step[axis], n)
    low, high = int(weights.indices.min()), int(weights.indices.max()) + 1
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(low, high), weights[:, low:high].toarray()


def _place(values: Sequence[float]) -> Place:
    z, y, x = values
    return float(z), float(y), float(x)


def _size3(values: Sequence[int]) -> Size3:
    z, y, x = values
    return z, y, x
