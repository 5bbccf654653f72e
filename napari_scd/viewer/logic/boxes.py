"""Boxes of voxels, and how many voxels of each label an array holds."""

from __future__ import annotations

import numpy as np

Box = tuple[slice, slice, slice]


def bounding_box(labels: np.ndarray) -> Box:
    """Smallest box that holds every non-zero voxel; an empty box when there is none."""
    sides = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        used = np.flatnonzero(labels.any(axis=others))
        sides.append(slice(int(used[0]), int(used[-1]) + 1) if used.size else slice(0, 0))
    z, y, x = sides
    return z, y, x


def shifted(box: Box, region: Box) -> Box:
    """Return a box within a region as slices of the whole array."""
    z, y, x = (
        slice(side.start + (whole.start or 0), side.stop + (whole.start or 0))
        for side, whole in zip(box, region, strict=True)
    )
    return z, y, x


def shared(first: Box, second: Box) -> tuple[Box, Box] | None:
    """Return where two boxes overlap, as slices of the first and of the second; None where they do not.

    >>> shared((slice(0, 4),) * 3, (slice(3, 9),) * 3)[1]
    (slice(0, 1, None), slice(0, 1, None), slice(0, 1, None))
    """
    low = [max(a.start, b.start) for a, b in zip(first, second, strict=True)]
    stop = [min(a.stop, b.stop) for a, b in zip(first, second, strict=True)]
    if any(a >= b for a, b in zip(low, stop, strict=True)):
        return None
    inside = []
    for box in (first, second):
        sides = [slice(a - side.start, b - side.start) for a, b, side in zip(low, stop, box, strict=True)]
        inside.append((sides[0], sides[1], sides[2]))
    return inside[0], inside[1]


def bins(labels: np.ndarray) -> np.ndarray:
    """Return (256,) voxels of every label of an array whose labels are below 256."""
    return np.bincount(labels.reshape(-1), minlength=256)
