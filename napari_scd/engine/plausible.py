"""Whether a scan looks like those a model was made for: doubts are reported, never acted on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from napari_scd.volume import Recipe, Volume

_SAMPLE = 200_000
_LOWEST_HU, _FAT_HU = -4096, -50
_COARSE_MM = 7.0


def guess_modality(array: Any) -> str:
    """Guess whether an array ``(..., z, y, x)`` holds "CT" or "MR".

    Hounsfield units, clipped or not, go far below zero, though not without limit; MR values do not.

    Examples
    --------
    >>> guess_modality(np.linspace(-1000, 1500, 1000).reshape(10, 10, 10))
    'CT'
    >>> guess_modality(np.linspace(-3, 3, 1000).reshape(10, 10, 10))
    'MR'
    """
    return "CT" if _LOWEST_HU <= _low_value(array) <= _FAT_HU else "MR"


def doubts(volume: Volume, recipe: Recipe) -> tuple[str, ...]:
    """Return a sentence for each reason to distrust a result: the wrong modality, very thick slices.

    Parameters
    ----------
    volume : Volume
        With finite values only.
    recipe : Recipe
        Of the model.
    """
    found = [sentence] if (sentence := _other_modality(volume, recipe)) else []
    thickest = max(volume.spacing_mm)
    if recipe.spacing_mm is not None and thickest > max(_COARSE_MM, 2 * max(recipe.spacing_mm)):
        found.append(
            f"The slices are {thickest:.1f} mm apart, but the model was made for "
            f"{max(recipe.spacing_mm):g} mm: expect coarse borders and missed small structures."
        )
    return tuple(found)


def _other_modality(volume: Volume, recipe: Recipe) -> str:
    """Say why the scan seems to be of another modality than the model's; empty if it fits."""
    stated = volume.source.modality if volume.source is not None else ""
    if stated and stated != recipe.modality:
        return (
            f"The scan's header says {stated}, but this model was made for {recipe.modality}: choose another "
            "model, or do not trust the result."
        )
    looks_like = guess_modality(volume.array)
    if recipe.modality == "MR" and looks_like == "CT":
        return (
            f"The scan looks like CT (values from {_low_value(volume.array):.0f}), but this model was made "
            "for MR: choose a CT model, or do not trust the result."
        )
    expects_hu = recipe.clip is not None and recipe.clip[0] < 0
    if recipe.modality == "CT" and looks_like == "MR" and expects_hu:
        return (
            "The scan does not look like CT (its lowest values are not those of air or fat in Hounsfield "
            "units), but this model was made for CT: choose an MR model, or check how the scan was saved."
        )
    return ""


def _low_value(array: Any) -> float:
    """Lowest value apart from a few outliers, from evenly spaced voxels; NaN if none is finite."""
    step = max(1, round((math.prod(array.shape) / _SAMPLE) ** (1 / 3)))
    sample = np.asarray(array[..., ::step, ::step, ::step])
    sample = sample[np.isfinite(sample)]
    return float(np.percentile(sample, 0.5)) if sample.size else math.nan
