"""Where to look closer: fine windows along the border of what was found or changed."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage

from napari_scd.engine.prompts.window import ScanWindow

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_scd.engine.prompts.window import Floats, Space
    from napari_scd.engine.windows import Size3

FINER = (0.6, 0.7, 0.8)
"""Spacing of the fine windows as a share of the coarse one's: the first that needs few enough of them."""
NOT_WORTH_IT = 0.85
MARGIN = 1.3
STRIDE = 0.7
LEAST_SHARE = 0.01
CLEARLY = 0.25
_TOUCHING = np.ones((3, 3, 3), bool)


class Focus(NamedTuple):
    """Fine windows, most of the border first; how many more would be needed; their spacing."""

    windows: tuple[ScanWindow, ...]
    n_left_out: int
    spacing_mm: float


def border_places(now: Floats, before: Floats, window: ScanWindow) -> NDArray[np.float64]:
    """Return the places ``(n, 3)`` of a window's border voxels that are new.

    Parameters
    ----------
    now, before : float32 of shape ``window.roi``
        Probabilities: what is inside now, and what was before. Voxels on the edge between the two do not
        count.
    """
    inside, was_inside = now >= 0.5, before >= 0.5
    border = inside & ~ndimage.binary_erosion(inside, border_value=1)
    changed = (inside != was_inside) & (np.abs(now - before) >= CLEARLY)
    if was_inside.any():
        border &= ndimage.binary_dilation(changed, _TOUCHING, iterations=2)
    if not border.any():  # what was removed completely
        border = changed
    return window.places_of(np.argwhere(border))


def plan_focus(
    border: NDArray[np.float64], coarse: ScanWindow, space: Space, *, finest_mm: float, most: int
) -> Focus:
    """Lay fine windows along a border.

    A border that fits into one window gets one, as fine as the scan itself if it is small. Larger borders get
    windows somewhat finer than the coarse one, side by side; of more than `most`, those that hold most of
    the border are taken.

    Parameters
    ----------
    border : ``(n, 3)``
        Places on the oriented scan.
    coarse : ScanWindow
        The window that found it.
    space : Space
    finest_mm : float
        No window is finer than this.
    most : int
    """
    if not len(border):
        return Focus((), 0, coarse.spacing_mm)
    spacing = np.asarray(space.spacing_mm)
    low, high = border.min(axis=0) - 0.5, border.max(axis=0) + 0.5
    fit_mm = MARGIN * float(((high - low) * spacing / coarse.roi).max())
    target_mm = max(finest_mm, min(fit_mm, FINER[0] * coarse.spacing_mm))
    if target_mm > NOT_WORTH_IT * coarse.spacing_mm:
        return Focus((), 0, coarse.spacing_mm)
    if fit_mm <= target_mm:
        return Focus((ScanWindow.around((low + high) / 2, target_mm, coarse.roi, space),), 0, target_mm)
    tiles: list[ScanWindow] = []
    for share in FINER:
        target_mm = max(finest_mm, share * coarse.spacing_mm)
        tiles = _tiles(border, target_mm, coarse.roi, space)
        if len(tiles) <= most:
            break
    return Focus(tuple(tiles[:most]), max(len(tiles) - most, 0), target_mm)


def _tiles(border: NDArray[np.float64], spacing_mm: float, roi: Size3, space: Space) -> list[ScanWindow]:
    """Windows side by side that hold a border, those with most of it first."""
    spacing = np.asarray(space.spacing_mm)
    centres = []
    for axis in range(3):
        length = spacing_mm * roi[axis] / spacing[axis]
        margin = length * (1 - STRIDE) / 2
        low, high = border[:, axis].min() - margin, border[:, axis].max() + margin
        n_windows = 1 + int(np.ceil(max(high - low - length, 0) / (STRIDE * length)))
        half = min(length, high - low) / 2
        centres.append(np.linspace(low + half, high - half, n_windows))
    nearest = np.stack(
        [np.abs(border[:, axis, None] - centres[axis]).argmin(axis=1) for axis in range(3)], axis=1
    )
    shape = tuple(len(axis) for axis in centres)
    counts = np.bincount(np.ravel_multi_index(tuple(nearest.T), shape), minlength=int(np.prod(shape)))
    places = list(itertools.product(*centres))
    most_first = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts > LEAST_SHARE * len(border))]
    windows = [ScanWindow.around(places[number], spacing_mm, roi, space) for number in most_first]
    return list(dict.fromkeys(windows))
