"""Where the labels of a case are, found once, so that windows can be aimed at them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_scd.training.data.levels import Level

_MOST_PLACES = 400
_FEWEST_VOXELS = 30
_COARSE_VOXELS = 600_000


@dataclass(frozen=True)
class Places:
    """Where a label is: some of its voxels and border voxels on the finest level, ``(k, 3)``; its extent."""

    inside: NDArray[np.int32]
    border: NDArray[np.int32]
    extent_mm: float


def targets_of(levels: Sequence[Level], values: dict[int, int]) -> dict[int, Places]:
    """Find each label on the finest level that is quick to search, and small ones on the finest of all."""
    coarse = next((level for level in levels if level.label.numel() <= _COARSE_VOXELS), levels[-1])
    counts = np.bincount(levels[0].label.numpy().ravel(), minlength=256)
    found = {}
    for code in values:
        if counts[code] < _FEWEST_VOXELS:
            continue
        found[code] = _places(coarse, code) or _places(levels[0], code)
    return {code: places for code, places in found.items() if places is not None}


def _places(level: Level, code: int) -> Places | None:
    """Find a label's voxels and border on a level; None if it has (almost) vanished there."""
    mask = level.label[0].numpy() == code
    if np.count_nonzero(mask) < _FEWEST_VOXELS:
        return None
    box = ndimage.find_objects(mask.view(np.uint8))[0]
    part = mask[box]
    border = part & ~ndimage.binary_erosion(part)
    low = np.asarray([one.start for one in box])
    stride = np.asarray(level.stride)
    extent = max(n * mm for n, mm in zip(part.shape, level.spacing_mm, strict=True))
    inside, edge = ((_some(np.argwhere(m)) + low) * stride for m in (part, border))
    return Places(inside.astype(np.int32), edge.astype(np.int32), float(extent))


def _some(places: NDArray[np.int64]) -> NDArray[np.int64]:
    if len(places) <= _MOST_PLACES:
        return places
    return np.random.default_rng(0).choice(places, _MOST_PLACES, replace=False)
