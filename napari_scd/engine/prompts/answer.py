"""The answer so far: how certainly each voxel belongs to the object, and how windows change it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage

from napari_scd.engine.prompts.window import ScanWindow, cut, spread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_scd.engine.prompts.window import Floats, Space
    from napari_scd.engine.windows import Size3

    Box = tuple[Size3, Size3]

INSIDE = 128
_SURE = 255
_VISIBLE = 1 / 512
_FULL_CHANGE = 0.25
"""A probability that differs from the previous one by this much replaces it completely."""


class Answer(NamedTuple):
    """An object on the oriented scan; never changed once made.

    Attributes
    ----------
    low : (z, y, x) int
        First voxel of the box around it.
    shares : uint8 ``(z, y, x)``
        Probability times 255; 128 and more are inside. May be empty.
    spacing_mm : float
        Of the windows that the next prompt starts with.
    detail_mm : float
        Of the finest windows that drew its border.
    """

    low: Size3
    shares: NDArray[np.uint8]
    spacing_mm: float
    detail_mm: float

    @property
    def is_empty(self) -> bool:
        """Whether no voxel is inside."""
        return not bool((self.shares >= INSIDE).any())

    @property
    def high(self) -> Size3:
        """One past the last voxel of the box."""
        z, y, x = (at + n for at, n in zip(self.low, self.shares.shape, strict=True))
        return z, y, x


class Draft:
    """An unfinished answer, which windows read and change.

    Parameters
    ----------
    space : Space
    before : Answer or None
        The answer it starts from.
    """

    def __init__(self, space: Space, before: Answer | None = None) -> None:
        self.space = space
        self.low: Size3 = (0, 0, 0) if before is None else before.low
        self.shares = np.zeros((0, 0, 0), np.uint8) if before is None else before.shares.copy()

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Voxels of the box that are inside."""
        return np.asarray(self.shares >= INSIDE)

    def seen_by(self, window: ScanWindow) -> Floats:
        """Cut the answer as a window sees it: probabilities of shape ``window.roi``."""
        if not self.shares.size:
            return np.zeros(window.roi, np.float32)
        z, y, x = (at - low for at, low in zip(window.first, self.low, strict=True))
        moved = ScanWindow((z, y, x), window.step, window.roi, window.spacing_mm)

        def read(low: Size3, high: Size3) -> Floats:
            return self.shares[_slices(low, high)].astype(np.float32)

        n_z, n_y, n_x = self.shares.shape
        return np.clip(cut(read, (n_z, n_y, n_x), moved, 0.0) / _SURE, 0.0, 1.0)

    def merge(
        self, window: ScanWindow, found: Floats, seen: Floats, weights: Floats, *, coarse: bool = False
    ) -> None:
        """Take a window's probabilities where they differ from the answer so far.

        Where the window agrees, every detail is kept, including those it cannot see at its spacing.

        Parameters
        ----------
        window : ScanWindow
        found : ``window.roi`` float32
            Its probabilities.
        seen : ``window.roi`` float32
            The answer so far, as `seen_by` returned it.
        weights : ``window.roi`` float32 in [0, 1]
            0 = stays as it is.
        coarse : bool
            The window is coarser than the answer's border: voxels that were half inside and now count as
            one or the other are then ignored; those that change from one to the other are not.
        """
        change = np.abs(found - seen)
        if coarse:
            change = (change >= 0.5) & ((found >= 0.5) != (seen >= 0.5))
        change = np.clip(change / np.float32(_FULL_CHANGE), 0.0, 1.0)
        # a voxel of the scan is a mixture of window voxels: it changes when any of them does
        reach = [2 * math.ceil(max(1.0, 1 / step)) + 1 for step in window.step]
        change = ndimage.maximum_filter(change, size=reach) * weights
        changed = _box_of((change > 0) & ((found > _VISIBLE) | (seen > _VISIBLE)))
        if changed is None:
            return
        back = spread(window, self.space.shape, changed)
        self._grow(back.low, back.high)
        here = _slices(*(_minus(corner, self.low) for corner in (back.low, back.high)))
        planes = zip(self.shares[here], back.planes(found), back.planes(change), strict=True)
        for plane, wanted, much in planes:
            np.multiply(wanted, _SURE, out=wanted)
            np.subtract(wanted, plane, out=wanted)
            np.multiply(wanted, much, out=wanted)
            np.add(wanted, plane, out=wanted)
            np.rint(wanted, out=wanted)
            plane[...] = wanted  # between 0 and 255, as every weight is between 0 and 1

    def holds(self, voxels: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell which voxels ``(n, 3)`` of the scan are inside."""
        at = voxels - np.asarray(self.low)
        in_box = ((at >= 0) & (at < self.shares.shape)).all(axis=1)
        inside = np.zeros(len(voxels), bool)
        inside[in_box] = self.shares[tuple(at[in_box].T)] >= INSIDE
        return inside

    def mark(self, voxels: NDArray[np.int64], *, inside: bool) -> None:
        """Put those voxels ``(n, 3)`` of the scan right that are not as they should be."""
        wrong = voxels[self.holds(voxels) != inside]
        if not len(wrong):
            return
        self._grow(_size3(wrong.min(axis=0)), _size3(wrong.max(axis=0) + 1))
        self.shares[tuple((wrong - np.asarray(self.low)).T)] = _SURE if inside else 0

    def clip(self, low: Size3, high: Size3) -> None:
        """Empty everything outside the box ``[low, high)``."""
        first = [min(max(a - at, 0), n) for a, at, n in zip(low, self.low, self.shares.shape, strict=True)]
        last = [min(max(b - at, 0), n) for b, at, n in zip(high, self.low, self.shares.shape, strict=True)]
        kept = self.shares[_slices(first, last)].copy()
        z, y, x = (at + a for at, a in zip(self.low, first, strict=True))
        self.low, self.shares = (z, y, x), kept

    def finished(self, spacing_mm: float, detail_mm: float) -> Answer:
        """Cut off the empty border and freeze it."""
        box = _box_of(self.shares > 0)
        if box is None:
            return Answer((0, 0, 0), np.zeros((0, 0, 0), np.uint8), spacing_mm, detail_mm)
        shares = np.ascontiguousarray(self.shares[_slices(*box)])
        shares.setflags(write=False)
        return Answer(_plus(box[0], self.low), shares, spacing_mm, detail_mm)

    def _grow(self, low: Size3, high: Size3) -> None:
        """Make room for a box."""
        if not self.shares.size:
            self.low = low
            self.shares = np.zeros([b - a for a, b in zip(low, high, strict=True)], np.uint8)
            return
        end = _plus(self.low, self.shares.shape)
        first = [min(a, b) for a, b in zip(low, self.low, strict=True)]
        last = [max(a, b) for a, b in zip(high, end, strict=True)]
        if tuple(first) == self.low and tuple(last) == end:
            return
        larger = np.zeros([b - a for a, b in zip(first, last, strict=True)], np.uint8)
        larger[_slices(_minus(self.low, first), _minus(end, first))] = self.shares
        z, y, x = first
        self.low, self.shares = (z, y, x), larger


def _box_of(mask: NDArray[np.bool_]) -> Box | None:
    lines = [np.flatnonzero(mask.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1))]
    if not len(lines[0]):
        return None
    low = [int(line[0]) for line in lines]
    high = [int(line[-1]) + 1 for line in lines]
    return (low[0], low[1], low[2]), (high[0], high[1], high[2])


def _size3(values: NDArray[np.int64]) -> Size3:
    z, y, x = values.tolist()
    return z, y, x


def _slices(low: Sequence[int], high: Sequence[int]) -> tuple[slice, slice, slice]:
    z, y, x = (slice(a, b) for a, b in zip(low, high, strict=True))
    return z, y, x


def _minus(a: Sequence[int], b: Sequence[int]) -> Size3:
    z, y, x = (i - j for i, j in zip(a, b, strict=True))
    return z, y, x


def _plus(a: Sequence[int], b: Sequence[int]) -> Size3:
    z, y, x = (i + j for i, j in zip(a, b, strict=True))
    return z, y, x
