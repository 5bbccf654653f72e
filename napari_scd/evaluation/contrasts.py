"""Other contrasts and resolutions of a scan, to test models that claim to work on any of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from napari_scd.volume import Volume

SLICE_MM = 5.0


def as_it_is(volume: Volume) -> Volume:
    """Change nothing."""
    return volume


def inverted(volume: Volume) -> Volume:
    """Turn dark into bright and bright into dark; voxels of the lowest value, such as air, stay."""
    return _changed(volume, lambda share: 1 - share)


def darker(volume: Volume) -> Volume:
    """Gamma 2: middle values become darker."""
    return _changed(volume, lambda share: share**2)


def brighter(volume: Volume) -> Volume:
    """Gamma 0.5: middle values become brighter."""
    return _changed(volume, np.sqrt)


def thick(volume: Volume) -> Volume:
    """Average over slices of 5 mm along the head-foot axis, on the scan's own grid.

    Each voxel becomes the mean of those within 2.5 mm above and below it: what a scan of thick slices knows,
    without a change of the grid, so that the truth stays comparable.
    """
    share_up = np.abs(volume.affine[0, :3]) / np.linalg.norm(volume.affine[:3, :3], axis=0)
    along = int(share_up.argmax())
    n_slices = max(round(SLICE_MM / volume.spacing_mm[along]), 1)
    values = volume.array.astype(np.float32)
    axis = values.ndim - 3 + along
    return volume.with_array(ndimage.uniform_filter1d(values, n_slices, axis=axis, mode="nearest"))


CONTRASTS: dict[str, Callable[[Volume], Volume]] = {
    "as it is": as_it_is,
    "gamma 0.5": brighter,
    "gamma 2": darker,
    "inverted": inverted,
    "5 mm slices": thick,
}


def _changed(volume: Volume, change: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> Volume:
    """Apply a curve to the scan's values, as shares of their range."""
    values = volume.array.astype(np.float32)
    low, high = float(values.min()), float(values.max())
    if high <= low:
        return volume
    curved = low + change((values - low) / (high - low)) * (high - low)
    return volume.with_array(np.where(values > low, curved, low).astype(np.float32))
