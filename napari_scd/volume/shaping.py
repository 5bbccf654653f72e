"""One structure's shape changed in millimetres: smoothed, filled, cleaned, grown, interpolated.

All functions take a mask and the way from a voxel to its neighbours, so that voxels of any shape are handled,
and treat the border of the scan as the end of what is known: nothing is worn away there. As large structures
take seconds, all look at a flag between their steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage

from napari_scd.cancel import CancelToken
from napari_scd.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]
    Steps = NDArray[np.float64]

_ALL_NEIGHBOURS = np.ones((3, 3, 3), bool)
_REACH = 4.0  # standard deviations that a Gaussian reaches
_SLAB_VOX = 2_000_000  # whose distances are measured at once: well below a second


class ShapeEdit(NamedTuple):
    """A change of a structure's shape.

    Attributes
    ----------
    kind : str
        One of `SHAPE_EDITS`.
    amount : float
        Millimetres for "smooth", "grow" and "shrink"; millilitres for "remove islands"; else without meaning.
    """

    kind: str
    amount: float = 0.0


def reshape_mask(mask: Mask, edit: ShapeEdit, steps_mm: Steps, cancel: CancelToken | None = None) -> Mask:
    """Return a structure in its new shape.

    Parameters
    ----------
    mask : ``(z, y, x)`` bool
    edit : ShapeEdit
    steps_mm : (3, 3) float
        Column i is the way from a voxel to its neighbour along axis i.
    cancel : CancelToken, optional
        Stops the work.

    Raises
    ------
    InputError
        For an amount that is no number above zero where one is needed.
    Cancelled
        When the work was stopped.

    Examples
    --------
    >>> mask = np.zeros((9, 9, 9), bool)
    >>> mask[3:6, 3:6, 3:6] = True
    >>> grown = reshape_mask(mask, ShapeEdit("grow", 2.0), np.diag([4.0, 2.0, 1.0]))
    >>> [int(side.stop - side.start) for side in ndimage.find_objects(grown.astype(int))[0]]
    [5, 5, 7]
    """
    change = SHAPE_EDITS[edit.kind]
    if change in _WITH_AMOUNT and not (np.isfinite(edit.amount) and edit.amount > 0):
        raise InputError(f"'{edit.kind}' needs an amount above zero; {edit.amount:g} was given.")
    if not mask.any():
        return mask.copy()
    reach_mm = edit.amount * _REACH / 2 if change is _smoothed else edit.amount if change is _grown else 0.0
    box = _around(mask, steps_mm, reach_mm)
    result = np.zeros_like(mask)
    result[box] = change(mask[box], edit.amount, steps_mm, cancel or CancelToken())
    return result


def _smoothed(mask: Mask, size_mm: float, steps_mm: Steps, cancel: CancelToken) -> Mask:
    """Even out details smaller than a size; the voxels that blur leaves brightest keep the volume."""
    blurred = mask.astype(np.float32)
    for axis, sigma_vox in enumerate(size_mm / 2 / _spacing(steps_mm)):
        cancel.check()
        blurred = ndimage.gaussian_filter1d(blurred, sigma_vox, axis, mode="nearest", truncate=_REACH)
    cancel.check()
    n_voxels = int(mask.sum())
    threshold = np.partition(blurred.reshape(-1), -n_voxels)[-n_voxels]
    return np.asarray((blurred >= threshold) & (blurred > 0))


def _filled(mask: Mask, _amount: float, _steps_mm: Steps, cancel: CancelToken) -> Mask:
    """Fill cavities that are closed on all sides: parts of the background that reach no face of the box."""
    parts, n_parts = ndimage.label(~mask)
    cancel.check()
    closed = np.ones(n_parts + 1, bool)
    for axis in range(3):
        for face in (0, -1):
            closed[np.unique(np.take(parts, face, axis=axis))] = False
    closed[0] = True
    return np.asarray(closed[parts])


def _largest_part(mask: Mask, _amount: float, _steps_mm: Steps, cancel: CancelToken) -> Mask:
    """Keep the largest connected part; voxels that touch at a corner are connected."""
    parts, sizes = _parts(mask, cancel)
    return np.asarray(parts == 1 + sizes[1:].argmax())


def _without_islands(mask: Mask, smallest_ml: float, steps_mm: Steps, cancel: CancelToken) -> Mask:
    """Remove connected parts smaller than a volume; the largest part always stays."""
    parts, sizes = _parts(mask, cancel)
    stays = sizes * abs(np.linalg.det(steps_mm)) / 1000 >= smallest_ml
    stays[1 + sizes[1:].argmax()] = True
    stays[0] = False
    return np.asarray(stays[parts])


def _grown(mask: Mask, distance_mm: float, steps_mm: Steps, cancel: CancelToken) -> Mask:
    """Add voxels whose centre is no farther from the surface than a distance."""
    return _near(mask, distance_mm, steps_mm, cancel)


def _shrunk(mask: Mask, distance_mm: float, steps_mm: Steps, cancel: CancelToken) -> Mask:
    """Remove voxels whose centre is no farther from the surface than a distance."""
    return mask & ~_near(~mask, distance_mm, steps_mm, cancel)


def _between_slices(mask: Mask, _amount: float, steps_mm: Steps, cancel: CancelToken) -> Mask:
    """Fill empty slices between painted ones, from the distances to the outlines on both sides.

    The slices lie across the axis along which the painted ones are thinnest. Outlines that lie apart are
    moved onto the line between their centres first.
    """
    axis = _axis_with_gaps(mask)
    if axis is None:
        return mask.copy()
    slices = np.moveaxis(mask, axis, 0)
    spacing = np.delete(_spacing(steps_mm), axis)
    result = slices.copy()
    painted = np.flatnonzero(slices.any(axis=(1, 2)))
    for first, last in zip(painted[:-1], painted[1:], strict=True):
        if last - first > 1:
            ends = [(_signed_mm(slices[end], spacing), _centre(slices[end])) for end in (first, last)]
            for at in range(first + 1, last):
                cancel.check()
                result[at] = _blend(*ends, share=(at - first) / (last - first))
    return np.moveaxis(result, 0, axis)


SHAPE_EDITS: dict[str, Callable[[Mask, float, Steps, CancelToken], Mask]] = {
    "smooth": _smoothed,
    "grow": _grown,
    "shrink": _shrunk,
    "fill holes": _filled,
    "keep largest part": _largest_part,
    "remove islands": _without_islands,
    "interpolate slices": _between_slices,
}
_WITH_AMOUNT = (_smoothed, _grown, _shrunk, _without_islands)


def _spacing(steps_mm: Steps) -> Steps:
    return np.asarray(np.linalg.norm(steps_mm, axis=0))


def _around(mask: Mask, steps_mm: Steps, reach_mm: float) -> tuple[slice, ...]:
    """Box that holds a structure, one voxel more, and what it may reach."""
    margin = np.ceil(reach_mm / _spacing(steps_mm)).astype(int) + 1
    box = ndimage.find_objects(mask.astype(np.uint8))[0]
    return tuple(
        slice(max(side.start - more, 0), min(side.stop + more, size))
        for side, more, size in zip(box, margin, mask.shape, strict=True)
    )


def _parts(mask: Mask, cancel: CancelToken) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return the number of each voxel's connected part, 0 outside, and the voxels of each part."""
    parts, _ = ndimage.label(mask, _ALL_NEIGHBOURS)
    cancel.check()
    return parts, np.bincount(parts.reshape(-1))


def _near(mask: Mask, distance_mm: float, steps_mm: Steps, cancel: CancelToken) -> Mask:
    """Return a mask with all voxels no farther from its surface than a distance; slab by slab.

    A slab sees as much of its neighbours as the distance, and half a step, can reach::

        one slab:       . . [ s e e n | s l a b | s e e n ] . .
    """
    spacing, axis = _spacing(steps_mm), int(np.argmax(mask.shape))
    seen = int((distance_mm + spacing.max() / 2) / spacing[axis]) + 1
    thickness = max(_SLAB_VOX * mask.shape[axis] // mask.size - 2 * seen, seen, 8)
    along, result = np.moveaxis(mask, axis, 0), np.empty(mask.shape, bool)
    steps = steps_mm[:, [axis, *(other for other in range(3) if other != axis)]]
    whole = np.moveaxis(result, axis, 0)
    for start in range(0, len(along), thickness):
        cancel.check()
        low, stop = max(start - seen, 0), start + thickness
        slab = along[low : stop + seen]
        near = _distance_mm(slab, steps) <= distance_mm if slab.any() else slab
        whole[start:stop] = near[start - low : stop - low]
    return result


def _distance_mm(mask: Mask, steps_mm: Steps) -> NDArray[np.float64]:
    """Distance of the voxels outside a mask from its surface, which lies halfway between voxels.

    Across a plane that is k steps of the grid away, that is half a step less than to the nearest centre; a
    slanted way of several steps, along any axes, is shorter by the same share.
    """
    spacing = _spacing(steps_mm)
    nearest = ndimage.distance_transform_edt(
        ~mask, sampling=spacing, return_distances=False, return_indices=True
    )
    squared, n_steps = np.zeros(mask.shape), np.zeros(mask.shape)
    for axis, mm in enumerate(spacing):
        places = np.arange(mask.shape[axis]).reshape([-1 if other == axis else 1 for other in range(3)])
        steps = np.abs(nearest[axis] - places)
        squared += np.square(steps * mm)
        n_steps += steps
    return np.asarray(np.sqrt(squared) * (1 - 0.5 / np.maximum(n_steps, 1))) - 1e-6


def _axis_with_gaps(mask: Mask) -> int | None:
    """Axis with empty slices between painted ones, along which these are thinnest; None without any."""
    thickness = {}
    for axis in range(3):
        painted = mask.any(axis=tuple(other for other in range(3) if other != axis))
        n_runs = int(np.count_nonzero(np.diff(painted.astype(np.int8), prepend=0) == 1))
        if n_runs > 1:
            thickness[axis] = np.count_nonzero(painted) / n_runs
    return min(thickness, key=thickness.__getitem__) if thickness else None


def _signed_mm(outline: Mask, spacing: Steps) -> NDArray[np.float64]:
    """Distance from an outline in a plane, negative inside."""
    outside = ndimage.distance_transform_edt(~outline, sampling=spacing)
    inside = ndimage.distance_transform_edt(np.pad(outline, 1), sampling=spacing)[1:-1, 1:-1]
    return np.asarray(outside - inside)


def _centre(outline: Mask) -> NDArray[np.float64]:
    return np.asarray(np.argwhere(outline).mean(axis=0))


def _blend(
    first: tuple[NDArray[np.float64], NDArray[np.float64]],
    last: tuple[NDArray[np.float64], NDArray[np.float64]],
    *,
    share: float,
) -> Mask:
    """Outline between two, given as signed distances and centres; `share` is 0 at the first."""
    middle = (1 - share) * first[1] + share * last[1]
    moved = [ndimage.shift(mm, middle - centre, order=1, mode="nearest") for mm, centre in (first, last)]
    return np.asarray((1 - share) * moved[0] + share * moved[1] < 0)
