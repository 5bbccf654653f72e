"""How well a mask matches its ground truth: overlap and surface distances of one structure, by MONAI."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from monai.metrics import compute_dice, compute_hausdorff_distance, compute_surface_dice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class Fit(NamedTuple):
    """One structure of one case; NaN where a number is not defined.

    Attributes
    ----------
    dice : float
        0-1; NaN when the truth is empty.
    hd95_mm : float
        95 % Hausdorff distance; NaN when truth or prediction is empty, or distances were not asked for.
    surface_dice : float
        Share of both surfaces that lies within the tolerance of the other, 0-1; 0 when only the truth is
        there, NaN when the truth is empty or distances were not asked for.
    truth_voxels, predicted_voxels : int
    """

    dice: float
    hd95_mm: float
    surface_dice: float
    truth_voxels: int
    predicted_voxels: int

    @property
    def volume_ratio(self) -> float:
        """Found volume / true volume; NaN when the truth is empty."""
        return self.predicted_voxels / self.truth_voxels if self.truth_voxels else math.nan


def fit(
    predicted: NDArray[np.bool_],
    truth: NDArray[np.bool_],
    spacing_mm: Sequence[float],
    *,
    tolerance_mm: float | None,
) -> Fit:
    """Compare two masks ``(z, y, x)``.

    All is computed on the box around both masks, which changes nothing but the time it takes.

    Parameters
    ----------
    spacing_mm : (3,) float
        Voxel edges in the masks' axis order.
    tolerance_mm : float or None
        Of the surface Dice; None leaves out both distances, which are slow.
    """
    counts = int(np.count_nonzero(truth)), int(np.count_nonzero(predicted))
    if not counts[0]:
        return Fit(math.nan, math.nan, math.nan, *counts)
    if not counts[1]:
        return Fit(0.0, math.nan, math.nan if tolerance_mm is None else 0.0, *counts)
    box = box_around(predicted, truth)
    pair = [torch.from_numpy(np.ascontiguousarray(mask[box]))[None, None] for mask in (predicted, truth)]
    dice = float(compute_dice(*pair))
    if tolerance_mm is None:
        return Fit(dice, math.nan, math.nan, *counts)
    spacing = [float(edge) for edge in spacing_mm]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # MONAI warns of its own calls
        hd95 = compute_hausdorff_distance(*pair, include_background=True, percentile=95, spacing=spacing)
        surface = compute_surface_dice(*pair, [tolerance_mm], include_background=True, spacing=spacing)
    return Fit(dice, float(hd95), float(surface), *counts)


def box_around(*masks: NDArray[np.bool_], margin: int = 2) -> tuple[slice, slice, slice]:
    """Slices of the smallest box that holds all masks, of which one is not empty, and a margin in voxels."""
    slices = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        used = np.flatnonzero(np.logical_or.reduce([mask.any(axis=others) for mask in masks]))
        low, high = int(used[0]) - margin, int(used[-1]) + 1 + margin
        slices.append(slice(max(low, 0), min(high, masks[0].shape[axis])))
    z, y, x = slices
    return z, y, x
