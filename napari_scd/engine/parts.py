"""Parts of a structure that lie apart from its largest one: what is removed where there can be only one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from napari_scd.volume import Recipe

    Box = tuple[slice, slice, slice]

SLAB = 32  # planes
_TOUCHING = np.ones((3, 3, 3), bool)


class StrayPart(NamedTuple):
    """A part to remove: its label, the box it lies in, and its voxels there.

    No voxel that stays with this label touches it, not even by a corner.
    """

    label: int
    box: Box
    mask: NDArray[np.bool_]


def stray_parts(
    labels: NDArray[np.uint8], spacing_mm: tuple[float, float, float], recipe: Recipe
) -> Iterator[StrayPart]:
    """Find parts of the recipe's single structures that are apart from the largest and much smaller.

    Parts nearer than ``part_gap_mm`` to each other count as one, so that a vessel with a short gap stays
    whole; a part stays if it has ``part_share`` of the largest one's voxels, so that no half is lost::

        ######...##      gap of 3 voxels, bridged: one part of 8 voxels
        ...........
        ..........#      1 voxel, far away: less than 0.3 of 8, removed

    Parameters
    ----------
    labels : ``(z, y, x)``
        A whole scan on the model's grid.
    spacing_mm : (z, y, x)
    """
    boxes = ndimage.find_objects(labels)
    for label in recipe.single_labels:
        box = boxes[label - 1] if label <= len(boxes) else None
        if box is not None:
            yield from _stray_parts_of(label, labels[box] == label, box, spacing_mm, recipe)


def _stray_parts_of(
    label: int, mask: NDArray[np.bool_], box: Box, spacing_mm: tuple[float, float, float], recipe: Recipe
) -> Iterator[StrayPart]:
    parts, n_parts = ndimage.label(mask, structure=_TOUCHING)
    if n_parts < 2:
        return
    group_of = _groups(mask, parts, n_parts, spacing_mm, recipe.part_gap_mm)
    voxels = np.bincount(group_of[parts[mask]])
    removed = voxels < recipe.part_share * voxels.max()
    for part, place in enumerate(ndimage.find_objects(parts), start=1):
        if removed[group_of[part]]:
            z, y, x = (slice(b.start + p.start, b.start + p.stop) for b, p in zip(box, place, strict=True))
            yield StrayPart(label, (z, y, x), parts[place] == part)


def _groups(
    mask: NDArray[np.bool_],
    parts: NDArray[np.int32],
    n_parts: int,
    spacing_mm: tuple[float, float, float],
    gap_mm: float,
) -> NDArray[np.int64]:
    """Group of every part, by number from 1: those with a gap of at most `gap_mm` share one."""
    if not gap_mm:
        return np.arange(n_parts + 1)
    margin = [int(gap_mm / edge) + 1 for edge in spacing_mm]
    padded = np.pad(mask, [(m, m) for m in margin])
    grown, _ = ndimage.label(_within(padded, gap_mm / 2, spacing_mm), structure=_TOUCHING)
    inner = grown[tuple(slice(m, -m) for m in margin)]
    group_of = np.zeros(n_parts + 1, np.int64)
    group_of[parts[mask]] = inner[mask]
    return group_of


def _within(
    mask: NDArray[np.bool_], reach_mm: float, spacing_mm: tuple[float, float, float]
) -> NDArray[np.bool_]:
    """Tell which voxels lie at most that far from the mask, slab by slab: distances take 20 bytes a voxel."""
    reach = int(reach_mm / spacing_mm[0]) + 1
    near = np.zeros_like(mask)
    for first in range(0, len(mask), SLAB):
        low, high = max(first - reach, 0), first + SLAB + reach
        if mask[low:high].any():
            distance = ndimage.distance_transform_edt(~mask[low:high], sampling=spacing_mm)
            near[first : first + SLAB] = distance[first - low : first - low + SLAB] <= reach_mm
    return near
