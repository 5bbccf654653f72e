"""A simulated user on the scan's own grid: always the deepest voxel of the largest error."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage

from napari_scd.evaluation.metrics import box_around

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Voxel = tuple[int, int, int]


class SimulatedClick(NamedTuple):
    """A click: the voxel, and whether it belongs to the structure."""

    voxel: Voxel
    include: bool


def next_click(
    truth: NDArray[np.bool_],
    found: NDArray[np.bool_] | None,
    counted: NDArray[np.bool_],
    spacing_mm: Sequence[float],
    *,
    only_missing: bool = False,
) -> SimulatedClick | None:
    """Return the next click of a user who sees truth and answer; None when nothing is wrong.

    Parameters
    ----------
    truth, found, counted : bool ``(z, y, x)``
        The structure, the answer so far (None = none yet), and the voxels that count.
    spacing_mm : (3,) float
        Voxel edges in the masks' axis order.
    only_missing : bool
        The model cannot be told what does not belong to the structure, so only missing parts are clicked.
    """
    box = box_around(truth) if found is None or not found.any() else box_around(truth, found)
    wanted = truth[box]
    wrong = wanted if found is None else (wanted & ~found[box] if only_missing else wanted != found[box])
    wrong = wrong & counted[box]
    if found is None:
        place = deepest_voxel(wrong, spacing_mm) if wrong.any() else None
    else:
        place = deepest_voxel(largest_part(wrong), spacing_mm) if wrong.any() else None
    if place is None:
        return None
    z, y, x = (at + part.start for at, part in zip(place, box, strict=True))
    return SimulatedClick((z, y, x), bool(wanted[place]))


def largest_part(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the largest part of a mask whose voxels touch by their faces."""
    parts, n_parts = ndimage.label(mask)
    if n_parts <= 1:
        return mask
    return np.asarray(parts == 1 + int(np.bincount(parts.ravel())[1:].argmax()))


def deepest_voxel(mask: NDArray[np.bool_], spacing_mm: Sequence[float]) -> Voxel:
    """Return the voxel of a mask farthest from its border in mm; the array's own end is border too."""
    box = box_around(mask, margin=0)
    part = np.pad(mask[box], 1)
    distances = ndimage.distance_transform_edt(part, sampling=[float(edge) for edge in spacing_mm])
    place = np.unravel_index(int(distances.argmax()), part.shape)
    z, y, x = (int(at) - 1 + one.start for at, one in zip(place, box, strict=True))
    return z, y, x
