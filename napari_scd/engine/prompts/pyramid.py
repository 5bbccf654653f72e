"""A scan that is read box by box, and pooled copies of it for windows that see a large part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_scd.engine.prompts.window import ScanWindow, cut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_scd.engine.prompts.window import Floats, Read, Space
    from napari_scd.engine.reading import ReadImage
    from napari_scd.engine.windows import Size3

LARGE_VOXELS = 2**24
MOST_COPIES = 2


class Pyramid:
    """Cuts windows out of a scan.

    Small windows are cut from the scan itself. One that sees more than 16 million of its voxels is cut from a
    copy pooled by 2, 4, ... along each axis, as far as the window's spacing allows; it is made when first
    needed, and the two latest are kept.

    Parameters
    ----------
    image : ReadImage
        One channel, ``(1, z, y, x)``.
    space : Space
    fill : float
        What lies outside the scan.
    """

    def __init__(self, image: ReadImage, space: Space, fill: float) -> None:
        self._image = image
        self._space = space
        self._fill = fill
        self._copies: dict[Size3, Floats] = {}

    def window(self, window: ScanWindow) -> Floats:
        """Cut a window: float32, not normalised."""
        factors = self._factors(window)
        if max(factors) == 1:
            return cut(self.read, self._space.shape, window, self._fill)
        copy = self._copy(factors)
        z, y, x = ((at - (f - 1) / 2) / f for at, f in zip(window.first, factors, strict=True))
        sz, sy, sx = (step / f for step, f in zip(window.step, factors, strict=True))
        on_copy = ScanWindow((z, y, x), (sz, sy, sx), window.roi, window.spacing_mm)
        return cut(_reader(copy), _size3(copy.shape), on_copy, self._fill)

    def read(self, low: Size3, high: Size3) -> Floats:
        """Read a box of the scan itself, float32."""
        return self._image[(slice(None), *_box(low, high))][0].numpy()

    def single_value(self) -> float | None:
        """Return the one value all voxels have; None as soon as two differ."""
        nz, ny, nx = self._space.shape
        first = float(self.read((0, 0, 0), (1, 1, 1))[0, 0, 0])
        for z in range(nz):
            if (self.read((z, 0, 0), (z + 1, ny, nx)) != first).any():
                return None
        return first

    def _factors(self, window: ScanWindow) -> Size3:
        lengths = [
            min(step * edge, n)
            for step, edge, n in zip(window.step, window.roi, self._space.shape, strict=True)
        ]
        if np.prod(lengths) <= LARGE_VOXELS:
            return (1, 1, 1)
        return _size3([2 ** max(int(np.log2(step)), 0) for step in window.step])

    def _copy(self, factors: Size3) -> Floats:
        if factors not in self._copies:
            finer = [held for held in self._copies if _divides(held, factors)]
            if finer:
                copy = self._copies[finer[-1]]
                made = pooled(_reader(copy), _size3(copy.shape), _quotient(factors, finer[-1]))
            else:
                made = pooled(self.read, self._space.shape, factors)
            self._copies = dict(list(self._copies.items())[1 - MOST_COPIES :])
            self._copies[factors] = made
        return self._copies[factors]


def pooled(read: Read, shape: Size3, factors: Size3) -> Floats:
    """Mean of each block of voxels; blocks cut off by the scan's end are means of what is there."""
    result = np.zeros([-(-n // f) for n, f in zip(shape, factors, strict=True)], np.float32)
    for z, plane in enumerate(result):
        first, last = z * factors[0], min((z + 1) * factors[0], shape[0])
        sums = read((first, 0, 0), (last, shape[1], shape[2])).sum(axis=0)
        rows = _summed(sums, factors[1], 0)
        plane += _summed(rows, factors[2], 1)
        plane /= last - first
    for axis in (1, 2):
        counts = np.full(result.shape[axis], factors[axis], np.float32)
        counts[-1] = shape[axis] - factors[axis] * (result.shape[axis] - 1)
        result /= counts.reshape([-1 if other == axis else 1 for other in range(3)])
    return result


def _summed(plane: Floats, factor: int, axis: int) -> Floats:
    """Sum every `factor` neighbours along an axis of a plane."""
    every = [slice(None)] * 2
    every[axis] = slice(0, None, factor)
    sums = plane[tuple(every)].copy()
    for offset in range(1, factor):
        every[axis] = slice(offset, None, factor)
        others = plane[tuple(every)]
        into = [slice(None)] * 2
        into[axis] = slice(0, others.shape[axis])
        sums[tuple(into)] += others
    return sums


def _reader(array: Floats) -> Read:
    return lambda low, high: array[_box(low, high)]


def _divides(finer: Size3, coarser: Size3) -> bool:
    return all(b % a == 0 for a, b in zip(finer, coarser, strict=True))


def _quotient(coarser: Size3, finer: Size3) -> Size3:
    return _size3([b // a for a, b in zip(finer, coarser, strict=True)])


def _box(low: Sequence[int], high: Sequence[int]) -> tuple[slice, slice, slice]:
    z, y, x = (slice(a, b) for a, b in zip(low, high, strict=True))
    return z, y, x


def _size3(values: Sequence[int] | NDArray[np.int64]) -> Size3:
    z, y, x = (int(value) for value in values)
    return z, y, x
