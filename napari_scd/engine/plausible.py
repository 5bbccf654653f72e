"""Whether a scan looks like what a model was made for: doubts are told, never acted on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from napari_scd.volume import Recipe, Volume

_SAMPLE = 200_000
_AIR_HU = -150
_COARSE_MM = 7.0


def doubts(volume: Volume, recipe: Recipe) -> tuple[str, ...]:
    """Return a sentence for each reason to distrust a result: another modality, very thick slices.

    Parameters
    ----------
    volume : Volume
        Finite, as it came.
    recipe : Recipe
        Of the model.
    """
    low = _low_value(volume)
    found = []
    if recipe.modality == "MR" and low <= _AIR_HU:
        found.append(
            f"The scan looks like CT (values from {low:.0f}), but this model was made for MR: "
            "choose a CT model, or distrust the result."
        )
    if recipe.modality == "CT" and recipe.clip is not None and recipe.clip[0] < 0 <= low:
        found.append(
            "No voxel is below 0, so these are no Hounsfield units: this model was made for CT; "
            "choose an MR model, or check how the scan was saved."
        )
    thickest = max(volume.spacing_mm)
    if recipe.spacing_mm is not None and thickest > max(_COARSE_MM, 2 * max(recipe.spacing_mm)):
        found.append(
            f"The slices are {thickest:.1f} mm apart, the model was made for "
            f"{max(recipe.spacing_mm):g} mm: expect coarse borders and missed small structures."
        )
    return tuple(found)


def _low_value(volume: Volume) -> float:
    """Tell the lowest value but for a few odd ones, from evenly spaced voxels."""
    step = max(1, round((math.prod(volume.array.shape) / _SAMPLE) ** (1 / 3)))
    return float(np.percentile(np.asarray(volume.array[..., ::step, ::step, ::step]), 0.5))
