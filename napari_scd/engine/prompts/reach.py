"""How far a prompt may change the answer: weights around it, and whether a change leaves the window."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_scd.engine.prompts.window import Floats, Place, ScanWindow, Space
    from napari_scd.engine.windows import Size3

FADE_VOX = 6
OPEN_VOXELS = 4
_CROSS = ndimage.generate_binary_structure(3, 1)


class Reach(NamedTuple):
    """A cube around a prompt, outside of which nothing changes.

    Attributes
    ----------
    place : (z, y, x) float
        Of the prompt, on the oriented scan.
    half_mm, fade_mm : float
        Half its edge, and the outer part of it in which changes fade out.
    """

    place: Place
    half_mm: float
    fade_mm: float

    @classmethod
    def of(cls, place: Place, window: ScanWindow) -> Reach:
        """Reach as far as a window that has the prompt in its middle."""
        half = min(window.roi) / 2 - 1
        return cls(place, half * window.spacing_mm, FADE_VOX * window.spacing_mm)

    def weights(self, window: ScanWindow, space: Space) -> Floats:
        """Weight of each voxel of a window: 1 near the prompt, 0 beyond the reach."""
        last_mm = self.half_mm - window.spacing_mm  # interpolation carries a change one voxel further
        axes = []
        for axis, (at, mm) in enumerate(zip(self.place, space.spacing_mm, strict=True)):
            away_mm = np.abs(window.axis_places(axis) - at) * mm
            axes.append(np.clip((last_mm - away_mm) / self.fade_mm, 0.0, 1.0))
        return _product(axes)

    def box(self, space: Space) -> tuple[Size3, Size3]:
        """Voxels of the scan within reach, the last one exclusive."""
        low, high = [], []
        for at, mm, n in zip(self.place, space.spacing_mm, space.shape, strict=True):
            low.append(int(np.clip(np.ceil(at - self.half_mm / mm), 0, n)))
            high.append(int(np.clip(np.floor(at + self.half_mm / mm) + 1, 0, n)))
        return (low[0], low[1], low[2]), (high[0], high[1], high[2])


def fading(window: ScanWindow, space: Space) -> Floats:
    """Weights that fall to 0 at those sides of a window beyond which the scan continues."""
    axes = []
    for axis, n in enumerate(window.roi):
        begins, ends = window.open_ends(axis, space)
        index = np.arange(n)
        profile = np.ones(n)
        if begins:
            profile = np.minimum(profile, index / FADE_VOX)
        if ends:
            profile = np.minimum(profile, (n - 1 - index) / FADE_VOX)
        axes.append(profile)
    return _product(axes)


def goes_on(change: NDArray[np.bool_], window: ScanWindow, space: Space, reach: Reach | None) -> bool:
    """Whether a change touches the border of what may change, and the scan continues beyond it.

    Parameters
    ----------
    change : bool of shape ``window.roi``
    window : ScanWindow
    space : Space
    reach : Reach or None
        What may change; None = the whole window. With it, the single voxels by which a border fluctuates do
        not count.
    """
    if reach is not None:
        change = ndimage.binary_opening(change, _CROSS)
    for axis in range(3):
        low, high = 0, window.roi[axis]
        begins, ends = window.open_ends(axis, space)
        if reach is not None:
            at, half = reach.place[axis], reach.half_mm / space.spacing_mm[axis]
            first, last = ((at + way * half - window.first[axis]) / window.step[axis] for way in (-1, 1))
            begins, ends = at - half > -0.5, at + half < space.shape[axis] - 0.5
            low, high = max(low, int(np.ceil(first))), min(high, int(np.floor(last)) + 1)
        for is_open, index in ((begins, low), (ends, high - 1)):
            if is_open and np.count_nonzero(change.take(index, axis=axis)) >= OPEN_VOXELS:
                return True
    return False


def _product(axes: list[NDArray[np.float64]]) -> Floats:
    z, y, x = axes
    return (z[:, None, None] * y[:, None] * x).astype(np.float32)
