"""Which structure a click means, and whether it continues outside what was computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from napari_scd.engine.windows import Size3
    from napari_scd.volume import LabelTable

REACH_MM = 10.0
_TOUCHING = np.ones((3, 3, 3), bool)


class ClickedStructure(NamedTuple):
    """A structure under or near a click: its label, the voxel that named it, its group's ids, its voxels."""

    label: int
    seed: Size3
    members: tuple[int, ...]
    mask: NDArray[np.bool_]


def find_structure(
    labels: NDArray[np.uint8], at: Size3, spacing_mm: tuple[float, float, float], table: LabelTable
) -> ClickedStructure | None:
    """Find the component of the label group at a voxel, or of the nearest one within 10 mm.

    Parameters
    ----------
    labels : ``(z, y, x)``
    at : (z, y, x) int
        The clicked voxel of `labels`.
    spacing_mm : (z, y, x)
    table : LabelTable

    Returns
    -------
    ClickedStructure or None
        None when nothing lies within reach. Voxels that touch at a corner are connected.
    """
    seed = at if labels[at] else _nearest_labelled(labels, at, spacing_mm)
    if seed is None:
        return None
    label = int(labels[seed])
    members = tuple(table.members_of_group(label))
    mask = labels == label if len(members) == 1 else np.isin(labels, members)
    return ClickedStructure(label, seed, members, component(mask, seed))


def component(mask: NDArray[np.bool_], seed: Size3) -> NDArray[np.bool_]:
    """Voxels of `mask` connected with `seed` (26 neighbours); all false when `seed` is not in it."""
    found, box = np.zeros_like(mask), box_of(mask)
    if box is not None and mask[seed]:
        parts, _ = ndimage.label(mask[box], structure=_TOUCHING)
        found[box] = parts == parts[tuple(i - side.start for i, side in zip(seed, box, strict=True))]
    return found


def box_of(mask: NDArray[np.bool_]) -> tuple[slice, slice, slice] | None:
    """Smallest box that holds every voxel of `mask`; None when there is none."""
    boxes = ndimage.find_objects(mask.view(np.uint8))
    return boxes[0] if boxes else None


def open_border(mask: NDArray[np.bool_], seen: NDArray[np.bool_], low: Size3, size: Size3) -> Size3 | None:
    """Find where a component continues into a part of the image that was not computed yet.

    Parameters
    ----------
    mask, seen : bool ``(z, y, x)`` of a box
        The component; the voxels computed.
    low, size : (z, y, x) int
        First image voxel of the box; voxels of the image.

    Returns
    -------
    (z, y, x) int or None
        An image voxel in the middle of the side where most of it continues; None when it is complete.
    """
    box = box_of(mask)
    if box is None:
        return None
    inside, corner = mask[box], [side.start for side in box]
    around = [(side.start - 1, side.stop + 1) for side in box]
    unseen = np.ones([end - begin for begin, end in around], bool)
    held = tuple(slice(max(a, 0), min(b, n)) for (a, b), n in zip(around, seen.shape, strict=True))
    there = tuple(slice(s.start - a, s.stop - a) for s, (a, _) in zip(held, around, strict=True))
    unseen[there] = ~seen[held]
    for axis in range(3):
        place = np.arange(*around[axis]) + low[axis]
        outside = (place < 0) | (place >= size[axis])
        unseen[(slice(None),) * axis + (outside,)] = False
    sides = []
    for axis in range(3):
        for start in (0, 2):
            window = [slice(1, -1)] * 3
            window[axis] = slice(start, start + inside.shape[axis])
            sides.append(np.argwhere(inside & unseen[tuple(window)]) + corner)
    widest = max(sides, key=len)
    if not len(widest):
        return None
    middle = np.abs(widest - widest.mean(axis=0)).sum(axis=1).argmin()
    z, y, x = widest[middle] + np.asarray(low)
    return int(z), int(y), int(x)


def nothing_found(probabilities: Tensor, table: LabelTable, *, has_background: bool) -> str:
    """Say that a click found nothing, and name the most likely structure at the voxel.

    `probabilities` is ``(classes,)``, with channel 0 the background when `has_background`.
    """
    likely = {
        label.name: float(probabilities[label.index - (not has_background)])
        for label in table.labels
        if label.index - (not has_background) < len(probabilities)
    }
    name = max(likely, key=lambda key: likely[key])
    return f"nothing found here (most likely: {name} {likely[name]:.2f})"


def _nearest_labelled(
    labels: NDArray[np.uint8], at: Size3, spacing_mm: tuple[float, float, float]
) -> Size3 | None:
    reach = [int(REACH_MM / edge) for edge in spacing_mm]
    low = [max(i - r, 0) for i, r in zip(at, reach, strict=True)]
    near = labels[tuple(slice(a, i + r + 1) for a, i, r in zip(low, at, reach, strict=True))]
    candidates = np.argwhere(near)
    if not len(candidates):
        return None
    candidates += np.asarray(low)
    distances = (np.square((candidates - np.asarray(at)) * np.asarray(spacing_mm))).sum(axis=1)
    best = int(distances.argmin())
    if distances[best] > REACH_MM**2:
        return None
    z, y, x = candidates[best]
    return int(z), int(y), int(x)
