"""A scan that is read box by box, and pooled copies of it for windows that see much of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_scd.engine.prompts.window import ScanWindow, cut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_scd.engine.prompts.window import Floats, Space
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
        pooled = ScanWindow((z, y, x), (sz, sy, sx), window.roi, window.spacing_mm)
        return cut(lambda low, high: copy[_box(low, high)], _size3(copy.shape), pooled, self._fill)

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
            self._copies = dict(list(self._copies.items())[1 - MOST_COPIES :])
            self._copies[factors] = self._pooled(factors)
        return self._copies[factors]

    def _pooled(self, factors: Size3) -> Floats:
        """Mean of each block of voxels; blocks that the scan's end cuts short go on with its last voxels."""
        shape = self._space.shape
        nz, ny, nx = (-(-n // f) for n, f in zip(shape, factors, strict=True))
        fz, fy, fx = factors
        pooled = np.empty((nz, ny, nx), np.float32)
        for z in range(nz):
            slab = self.read((z * fz, 0, 0), (min((z + 1) * fz, shape[0]), shape[1], shape[2])).mean(axis=0)
            slab = np.pad(slab, ((0, ny * fy - shape[1]), (0, nx * fx - shape[2])), mode="edge")
            pooled[z] = slab.reshape(ny, fy, nx, fx).mean(axis=(1, 3))
        return pooled


def _box(low: Sequence[int], high: Sequence[int]) -> tuple[slice, slice, slice]:
    z, y, x = (slice(a, b) for a, b in zip(low, high, strict=True))
    return z, y, x


def _size3(values: Sequence[int] | NDArray[np.int64]) -> Size3:
    z, y, x = (int(value) for value in values)
    return z, y, x
