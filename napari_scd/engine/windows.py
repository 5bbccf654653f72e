"""The patch grid of a volume, the windows on it, and their blending weights.

Coordinates are voxels of the *padded* model grid unless a name says otherwise; the image starts at `lead`.
Every window starts at a multiple of the patch, so the token maps of neighbouring windows stitch into one.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_scd.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from napari_scd.engine.reading import ReadImage

Size3 = tuple[int, int, int]

_TINY = 1e-6


@dataclass(frozen=True)
class PatchGrid:
    """Where patches and windows lie on a volume.

    Parameters
    ----------
    size : (z, y, x) int
        Voxels of the image on the model grid, without padding.
    roi : (z, y, x) int
        Voxels of a window, multiples of `patch`.
    patch : int
        Edge of a token in voxels.
    body : (low, high) or None
        Box of image voxels that windows must show, high exclusive; None = the whole image. The others are
        left out along an axis if that takes fewer windows.
    overlap : float
        Share of a window that neighbouring windows have in common at least, below 1.

    Examples
    --------
    >>> grid = PatchGrid(size=(8, 8, 24), roi=(8, 8, 16), patch=4, body=((0, 0, 5), (8, 8, 20)))
    >>> grid.starts((4, 4, 8)), grid.lead  # voxels 4 to 19 along the last axis
    (((0, 0, 4),), (0, 0, 0))
    >>> grid.starts((4, 4, 8), whole=True)
    ((0, 0, 0), (0, 0, 8))
    """

    size: Size3
    roi: Size3
    patch: int
    body: tuple[Size3, Size3] | None = None
    overlap: float = 0.5

    @property
    def shape(self) -> Size3:
        """Voxels after padding: at least a window, whole patches, no more."""
        return _size3(
            self._whole(lead + n, edge) for lead, n, edge in zip(self.lead, self.size, self.roi, strict=True)
        )

    @property
    def lead(self) -> Size3:
        """Voxels of padding before the image, which lies in the middle unless windows follow the body."""
        return _size3(-low if low < 0 else -low % self.patch for low, _ in self._spans)

    @cached_property
    def _spans(self) -> tuple[tuple[int, int], ...]:
        """For each axis, the image voxel at which the first window begins, and how many voxels all show."""
        low, high = self.body or ((0, 0, 0), self.size)
        found = []
        for n, edge, a, b in zip(self.size, self.roi, low, high, strict=True):
            whole, needed = self._whole(n, edge), self._whole(b - a, edge)
            step = self._step(edge)
            if self._n_windows(needed, edge, step) < self._n_windows(whole, edge, step):
                found.append((min(max((a + b - needed) // 2, 0), n - needed), needed))
            else:
                found.append((-((whole - n) // 2), whole))
        return tuple(found)

    def _step(self, edge: int) -> int:
        """Largest step between windows in patches."""
        return max(math.floor(edge // self.patch * (1 - self.overlap) + _TINY), 1)

    def _whole(self, n: int, edge: int) -> int:
        """Voxels of whole patches, at least a window."""
        return math.ceil(max(n, edge) / self.patch) * self.patch

    def _n_windows(self, n: int, edge: int, step: int) -> int:
        return len(_spread(n // self.patch, edge // self.patch, step))

    @property
    def fits_one_window(self) -> bool:
        """Whether a single window covers the image."""
        return self.shape == self.roi

    def starts(self, stride: Size3, *, whole: bool = False) -> tuple[Size3, ...]:
        """Return the starts of windows that cover the body, or the whole volume, first axis slowest.

        As few windows as steps of at most `stride` allow are spread evenly over the patch grid; none is
        shifted off the grid and nothing more is padded.
        """
        spans = [(0, n) for n in self.shape]
        if not whole:
            spans = [(a + lead, n) for (a, n), lead in zip(self._spans, self.lead, strict=True)]
        axes = [
            [first + k * self.patch for k in _spread(n // self.patch, edge // self.patch, step // self.patch)]
            for (first, n), edge, step in zip(spans, self.roi, stride, strict=True)
        ]
        return tuple(_size3(at) for at in itertools.product(*axes))

    def cells(self, stride: Size3, *, whole: bool = False) -> dict[Size3, tuple[Size3, Size3]]:
        """Return the part of each window that lies nearer to its centre than to that of another window.

        By the starts of windows: low and high (exclusive) voxels within the window. Together the cells cover
        the body, or the whole volume, without overlap. Borders are even numbers if `patch` is a multiple of
        4.

        Examples
        --------
        >>> grid = PatchGrid(size=(8, 8, 24), roi=(8, 8, 16), patch=4)
        >>> grid.cells((8, 8, 8))
        {(0, 0, 0): ((0, 0, 0), (8, 8, 12)), (0, 0, 8): ((0, 0, 4), (8, 8, 16))}
        """
        starts = self.starts(stride, whole=whole)
        axes = [sorted({start[axis] for start in starts}) for axis in range(3)]
        spans = [_nearest_parts(at, edge) for at, edge in zip(axes, self.roi, strict=True)]
        found = {}
        for start in starts:
            parts = [span[at] for span, at in zip(spans, start, strict=True)]
            found[start] = _size3(low for low, _ in parts), _size3(high for _, high in parts)
        return found

    def stride_for(self, stride: int | None) -> Size3:
        """Step per axis: the requested one, or what the overlap leaves in whole patches.

        Raises
        ------
        InputError
            If `stride` is not a multiple of the patch or leaves gaps.
        """
        if stride is None:
            return _size3(self._step(edge) * self.patch for edge in self.roi)
        if stride % self.patch or not self.patch <= stride <= max(self.roi):
            raise InputError(
                f"A stride of {stride} voxels does not fit this model: give a multiple of {self.patch} "
                f"from {self.patch} to {max(self.roi)}."
            )
        return _size3(min(stride, edge) for edge in self.roi)

    def start_around(self, index: Sequence[float]) -> Size3:
        """Start of the window centred on an image voxel, snapped to the patch grid and kept inside.

        `index` counts voxels of the image on the model grid (without padding).
        """
        wanted = (
            round((at + 0.5 + lead - edge / 2) / self.patch) * self.patch
            for at, lead, edge in zip(index, self.lead, self.roi, strict=True)
        )
        return _size3(
            min(max(start, 0), whole - edge)
            for start, whole, edge in zip(wanted, self.shape, self.roi, strict=True)
        )

    def nearest(self, starts: Sequence[Size3], index: Sequence[float]) -> Size3:
        """Return the one of `starts` whose window centre is nearest to an image voxel."""
        centre = np.asarray(index, float) + 0.5 + self.lead - np.asarray(self.roi) / 2
        distances = np.square(np.asarray(starts, float) - centre).sum(axis=1)
        return starts[int(distances.argmin())]

    def image_box(self, start: Size3) -> tuple[Size3, Size3]:
        """Low and high (exclusive) image voxels that a window covers."""
        low = _size3(max(at - lead, 0) for at, lead in zip(start, self.lead, strict=True))
        high = _size3(
            min(at - lead + edge, n)
            for at, lead, edge, n in zip(start, self.lead, self.roi, self.size, strict=True)
        )
        return low, high

    def box_in_window(self, start: Size3, box: tuple[Size3, Size3]) -> tuple[Size3, Size3]:
        """Return the part of a box of the image that a window covers, in voxels of the window.

        Its borders are rounded outwards to even numbers. Where they share nothing, it is empty.

        Examples
        --------
        >>> PatchGrid(size=(30, 32, 32), roi=(16, 16, 16), patch=8).box_in_window(
        ...     (8, 0, 0), ((9, 3, 20), (12, 40, 32))
        ... )
        ((2, 2, 16), (6, 16, 16))
        """
        shifts = [lead - at for lead, at in zip(self.lead, start, strict=True)]
        low = _size3((a + by) // 2 * 2 for a, by in zip(box[0], shifts, strict=True))
        high = _size3(-(-(b + by) // 2) * 2 for b, by in zip(box[1], shifts, strict=True))
        low = _size3(min(max(a, 0), edge) for a, edge in zip(low, self.roi, strict=True))
        return low, _size3(min(max(b, a), edge) for a, b, edge in zip(low, high, self.roi, strict=True))

    def touching(self, starts: Sequence[Size3], box: tuple[Size3, Size3]) -> tuple[Size3, ...]:
        """Return those of `starts` whose windows hold an image voxel of ``[low, high)``, in their order."""
        return tuple(
            start
            for start in starts
            if all(a < high and low < b for a, b, low, high in zip(*self.image_box(start), *box, strict=True))
        )

    @property
    def token_box(self) -> tuple[Size3, Size3]:
        """Low and high (exclusive) tokens of the padded grid that touch the image."""
        low = _size3(lead // self.patch for lead in self.lead)
        high = _size3((lead + n - 1) // self.patch + 1 for lead, n in zip(self.lead, self.size, strict=True))
        return low, high

    def cut(self, image: Tensor | ReadImage, start: Size3, fill: Tensor) -> Tensor:
        """Window of an image, padded where it reaches outside.

        Parameters
        ----------
        image : Tensor or ReadImage ``(c, z, y, x)``
            On the model grid, without padding.
        start : (z, y, x) int
        fill : Tensor ``(c,)``
            Value of the padding, per channel.

        Returns
        -------
        Tensor ``(c, *roi)``
        """
        low, high = self.image_box(start)
        if all(b - a == edge for a, b, edge in zip(low, high, self.roi, strict=True)):
            return image[_slices(low, high)]
        window = fill.to(image.dtype)[:, None, None, None].expand(-1, *self.roi).clone()
        offset = _size3(a + lead - at for a, lead, at in zip(low, self.lead, start, strict=True))
        end = _size3(o + b - a for o, a, b in zip(offset, low, high, strict=True))
        window[_slices(offset, end)] = image[_slices(low, high)]
        return window


def blending_weights(roi: Size3, blending: str) -> Tensor:
    """Weight of a window's voxels, ``roi`` float32 in (0, 1].

    "gaussian" falls off from the centre with a standard deviation of an eighth of the window per axis and is
    held at 1e-3 or above; "constant" is 1.
    """
    if blending == "constant":
        return torch.ones(roi)
    profiles = []
    for edge in roi:
        distance = torch.arange(edge, dtype=torch.float32) - (edge - 1) / 2
        profiles.append(torch.exp(-0.5 * (distance / (edge / 8)) ** 2))
    z, y, x = profiles
    weights = z[:, None, None] * y[:, None] * x
    return (weights / weights.max()).clamp_min(1e-3)


def shared(one: tuple[Size3, Size3], other: tuple[Size3, Size3]) -> tuple[Size3, Size3] | None:
    """Return what two boxes of voxels share, low and high (exclusive); None if nothing."""
    low = _size3(map(max, one[0], other[0]))
    high = _size3(map(min, one[1], other[1]))
    return (low, high) if all(a < b for a, b in zip(low, high, strict=True)) else None


def _spread(n_tokens: int, window: int, step: int) -> list[int]:
    room = n_tokens - window
    n_steps = math.ceil(room / step)
    return [(i * room + n_steps // 2) // max(n_steps, 1) for i in range(n_steps + 1)]


def _nearest_parts(starts: Sequence[int], edge: int) -> dict[int, tuple[int, int]]:
    """Along one axis: the start of each window -> low and high voxel of its cell, within the window."""
    borders = [(a + b + edge) // 2 for a, b in itertools.pairwise(starts)]
    lows, highs = [starts[0], *borders], [*borders, starts[-1] + edge]
    return {at: (low - at, high - at) for at, low, high in zip(starts, lows, highs, strict=True)}


def _slices(low: Size3, high: Size3) -> tuple[slice, ...]:
    return (slice(None), *(slice(a, b) for a, b in zip(low, high, strict=True)))


def _size3(values: object) -> Size3:
    z, y, x = (int(value) for value in values)  # type: ignore[attr-defined]
    return z, y, x
