"""Which connected parts of an answer belong to the prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_scd.engine.prompts.answer import Draft
    from napari_scd.engine.prompts.window import Floats, ScanWindow
    from napari_scd.engine.windows import Size3

MOST_BLOCKS = 2**20
NEAR_VOX = 3.0
"""A prompt points at a part if it is at most this many voxels of the window away."""
_TOUCHING = np.ones((3, 3, 3), bool)
_CROSS = ndimage.generate_binary_structure(3, 1)


def drop_strays(
    draft: Draft,
    seeds: Sequence[Size3],
    near_vox: Sequence[float],
    *,
    within: tuple[Size3, Size3] | None = None,
    kept: Draft | None = None,
) -> None:
    """Remove parts that no include prompt points at.

    The parts of large objects are found on blocks of voxels, so parts a block apart count as one.

    Parameters
    ----------
    draft : Draft
    seeds : sequence of (z, y, x)
        Voxels of the include prompts. Without any, the largest part counts as pointed at.
    near_vox : (z, y, x) float
        How far a seed may lie from the part it points at.
    within : (low, high), optional
        Remove only parts that lie in this box.
    kept : Draft, optional
        Parts that touch this mask stay.
    """
    mask = draft.mask
    if not mask.any():
        return
    factors = _factors(mask.shape)
    parts, n_parts = ndimage.label(_pooled(mask, factors), structure=_TOUCHING)
    if n_parts == 1 and not seeds:
        return
    keep = np.zeros(n_parts + 1, bool)
    keep[0] = True
    keep[_pointed_at(parts, seeds, draft.low, factors, near_vox)] = True
    if within is not None:
        keep |= _beyond(parts, n_parts, within, draft.low, factors)
    if kept is not None:
        keep[np.unique(parts[_pooled(_on_box_of(draft, kept), factors)])] = True
    if keep.all():
        return
    stray = ~keep[parts]
    for z, plane in enumerate(draft.shares):
        blocks = stray[z // factors[0]].repeat(factors[1], axis=0).repeat(factors[2], axis=1)
        plane[blocks[: plane.shape[0], : plane.shape[1]]] = 0


def without_strays(found: Floats, seen: Floats, window: ScanWindow, seeds: Sequence[Size3]) -> Floats:
    """Return a window's probabilities without the parts that no include prompt points at.

    Parameters
    ----------
    found, seen : float32 of shape ``window.roi``
        What the window found, and the answer before: parts that touch what was inside count as pointed at.
    window : ScanWindow
    seeds : sequence of (z, y, x)
        Voxels of the scan. Without any, and without an answer before, the largest part is kept.
    """
    parts, n_parts = ndimage.label(found >= 0.5, structure=_TOUCHING)
    if not n_parts:
        return found
    keep = np.zeros(n_parts + 1, bool)
    was_inside = seen >= 0.5
    fresh = not was_inside.any()
    if fresh or seeds:
        indices = np.rint(window.index_of(np.asarray(seeds, float).reshape(-1, 3))).astype(int)
        near = (indices > -NEAR_VOX) & (indices < np.asarray(window.roi) - 1 + NEAR_VOX)
        inside = [_size3(index) for index in indices[near.all(axis=1)].tolist()]
        if inside or not seeds:
            keep[_pointed_at(parts, inside, (0, 0, 0), (1, 1, 1), (NEAR_VOX,) * 3)] = True
    keep[np.unique(parts[was_inside])] = True
    if fresh:  # remove the others completely, including what surrounds them
        return np.asarray(found * ndimage.maximum_filter(keep[parts] & (parts > 0), size=5))
    keep[0] = True
    return np.where(keep[parts], found, seen)


def changed_near(
    found: Floats, seen: Floats, window: ScanWindow, places: Sequence[Size3]
) -> NDArray[np.bool_]:
    """Tell which voxels of a window belong to the change that a prompt asked for.

    Parameters
    ----------
    found, seen : float32 of shape ``window.roi``
        What the window found, and the answer before.
    window : ScanWindow
    places : sequence of (z, y, x)
        Voxels of the prompt on the scan.

    Returns
    -------
    bool of shape ``window.roi``
        Connected with the prompt by more than the thin seam by which borders fluctuate; including a margin of
        one voxel.
    """
    change = (found >= 0.5) != (seen >= 0.5)
    core = ndimage.binary_opening(change, _CROSS)
    for candidates in (core, change):  # the whole change may be thin
        parts, n_parts = ndimage.label(candidates)
        indices = np.rint(window.index_of(np.asarray(places, float).reshape(-1, 3))).astype(int)
        near = _pointed_at(
            parts, [_size3(i) for i in indices.tolist()], (0, 0, 0), (1, 1, 1), (NEAR_VOX,) * 3
        )
        if n_parts and len(near):
            grown = ndimage.binary_dilation(np.isin(parts, near), _TOUCHING, iterations=2)
            return np.asarray(ndimage.binary_dilation(grown & change, _TOUCHING))
    return np.zeros(window.roi, bool)


def nearest_mm(draft: Draft, place: Sequence[float], *, inside: bool) -> float:
    """Distance in mm of a place to the nearest voxel that is inside, or that is not; infinite without any."""
    mask = draft.mask
    if not mask.size:
        return np.inf if inside else 0.0
    factors = _factors(mask.shape, MOST_BLOCKS // 8)
    blocks = _pooled(mask if inside else ~mask, factors)
    spacing = np.asarray(draft.space.spacing_mm)
    centres = np.argwhere(blocks) * factors + (np.asarray(factors) - 1) / 2
    away = np.abs(centres + draft.low - np.asarray(place)) * spacing
    near = float(np.sqrt(np.square(away).sum(axis=1).min())) if len(away) else np.inf
    if not inside:  # nothing is inside beyond the box
        low, high = np.asarray(draft.low), np.asarray(draft.low) + mask.shape
        sides = np.concatenate([place - low + 1, high - place]) * np.tile(spacing, 2)
        near = min(near, max(float(sides.min()), 0.0))
    return near


def _pointed_at(
    parts: NDArray[np.int32],
    seeds: Sequence[Size3],
    low: Size3,
    factors: Size3,
    near_vox: Sequence[float],
) -> NDArray[np.int32]:
    """Numbers of the parts at or near the seeds; without seeds, that of the largest."""
    if not seeds:
        counts = np.bincount(parts.ravel())
        return np.asarray([counts[1:].argmax() + 1], np.int32)
    found: set[int] = set()
    reach = [int(np.ceil(near / f)) for near, f in zip(near_vox, factors, strict=True)]
    blocks = {tuple((np.subtract(seed, low) // factors).tolist()) for seed in seeds}
    for block in blocks:
        first = [max(at - r, 0) for at, r in zip(block, reach, strict=True)]
        last = [max(at + r + 1, 0) for at, r in zip(block, reach, strict=True)]
        around = parts[tuple(slice(a, b) for a, b in zip(first, last, strict=True))]
        places = np.argwhere(around)
        if len(places):
            away = (places + first - np.asarray(block)) * factors / np.asarray(near_vox)
            found.add(int(around[tuple(places[int(np.square(away).sum(axis=1).argmin())])]))
    return np.asarray(sorted(found), np.int32)


def _beyond(
    parts: NDArray[np.int32], n_parts: int, within: tuple[Size3, Size3], low: Size3, factors: Size3
) -> NDArray[np.bool_]:
    """Tell which parts do not lie entirely in a box of the scan."""
    beyond = np.zeros(n_parts + 1, bool)
    for number, box in enumerate(ndimage.find_objects(parts), start=1):
        for one, at, f, a, b in zip(box, low, factors, *within, strict=True):
            if at + one.start * f < a or at + one.stop * f > b + f - 1:
                beyond[number] = True
    return beyond


def _on_box_of(draft: Draft, other: Draft) -> NDArray[np.bool_]:
    """Mask of another draft on the box of this one."""
    result = np.zeros(draft.shares.shape, bool)
    into, taken = [], []
    for axis in range(3):
        low, at = draft.low[axis], other.low[axis]
        a, b = max(low, at), min(low + draft.shares.shape[axis], at + other.shares.shape[axis])
        if a >= b:
            return result
        into.append(slice(a - low, b - low))
        taken.append(slice(a - at, b - at))
    result[tuple(into)] = other.mask[tuple(taken)]
    return result


def _factors(shape: Sequence[int], most: int = MOST_BLOCKS) -> Size3:
    """Edges of blocks such that at most this many cover an array; the longest axes are pooled first."""
    factors = [1, 1, 1]
    while np.prod([-(-n // f) for n, f in zip(shape, factors, strict=True)]) > most:
        longest = int(np.argmax([n / f for n, f in zip(shape, factors, strict=True)]))
        factors[longest] *= 2
    return factors[0], factors[1], factors[2]


def _pooled(mask: NDArray[np.bool_], factors: Size3) -> NDArray[np.bool_]:
    """Blocks of which any voxel is true; factors are powers of two."""
    for axis, factor in enumerate(factors):
        for _ in range(factor.bit_length() - 1):
            every = [slice(None)] * 3
            every[axis] = slice(0, None, 2)
            halved = mask[tuple(every)].copy()
            every[axis] = slice(1, None, 2)
            others = mask[tuple(every)]
            every[axis] = slice(0, others.shape[axis])
            halved[tuple(every)] |= others
            mask = halved
    return mask


def _size3(values: Sequence[int]) -> Size3:
    z, y, x = values
    return z, y, x
