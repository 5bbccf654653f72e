"""One case at several resolutions, so that windows of any size read few voxels."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    Spacing = tuple[float, float, float]

_GREYS = 32_767


class Level(NamedTuple):
    """A case at one resolution.

    Attributes
    ----------
    image : Tensor ``(1, z, y, x)`` int16 or None
        Intensities from 0 to 32767; normalisation by window makes the scale irrelevant.
    label : Tensor ``(1, z, y, x)`` uint8
        Codes: 0, one for each label of the case, `WITHHELD`, `IGNORED`.
    spacing_mm : (z, y, x) float
    stride : (z, y, x) int
        Voxels of the finest level for each of this one; first voxels have the same centre.
    """

    image: Tensor | None
    label: Tensor
    spacing_mm: Spacing
    stride: tuple[int, int, int]


def levels_of(
    greys: NDArray[np.int16] | None, codes: NDArray[np.uint8], spacing_mm: Spacing
) -> tuple[Level, ...]:
    """Halve the finer axes until a window of 64 voxels would see everything."""
    levels = []
    stride = np.ones(3, int)
    while True:
        image = None if greys is None else torch.from_numpy(np.ascontiguousarray(greys))[None]
        edges = np.asarray(spacing_mm) * stride
        z, y, x = map(float, edges)
        levels.append(
            Level(image, torch.from_numpy(np.ascontiguousarray(codes))[None], (z, y, x), _size(stride))
        )
        if max(codes.shape * edges) <= 64 * edges.min():
            return tuple(levels)
        for axis in np.flatnonzero(edges <= 1.5 * edges.min()):
            every_second = (slice(None),) * int(axis) + (slice(None, None, 2),)
            codes = codes[every_second]
            greys = None if greys is None else _halved(greys, int(axis))
            stride[axis] *= 2


def greys_of(array: NDArray[np.generic]) -> NDArray[np.int16]:
    """Spread intensities over 0 to 32767."""
    low, high = float(array.min()), float(array.max())
    scale = _GREYS / (high - low) if high > low else 0.0
    scaled = (array.astype(np.float32) - low) * scale
    return scaled.astype(np.int16)


def _halved(greys: NDArray[np.int16], axis: int) -> NDArray[np.int16]:
    """Every second voxel, blurred with its neighbours (1, 2, 1)."""
    moved = np.moveaxis(greys, axis, 0).astype(np.int32)
    before = np.concatenate([moved[:1], moved[1:-1:2]])[: len(moved[::2])]
    after = np.concatenate([moved[1::2], moved[-1:]])[: len(moved[::2])]
    mixed = (2 * moved[::2] + before + after) // 4
    return np.moveaxis(mixed.astype(np.int16), 0, axis)


def _size(stride: NDArray[np.int64]) -> tuple[int, int, int]:
    z, y, x = stride.tolist()
    return z, y, x
