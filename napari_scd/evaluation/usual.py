"""What is usual in answers to scans that a model was made for, so that other scans can be told from them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_scd.evaluation.evaluate import CaseRun

CONFIDENCE_MARGIN = 0.08  # below the least confident case
SIZE_FACTOR = 4.0  # beyond the smallest and largest of the cases, found or true


class Usual(NamedTuple):
    """Entries of a recipe: see `Recipe.usual_confidence` and `Recipe.usual_ml`."""

    confidence: float
    ml: tuple[tuple[float, float], ...]


def usual_in(runs: Sequence[CaseRun], names: Sequence[str]) -> Usual:
    """Say what is usual, from validation cases.

    Parameters
    ----------
    runs : sequence of CaseRun
        With confidence.
    names : sequence of str
        Of the labels 1, 2, ...; a structure that is in no case may have any size.
    """
    means = [sum(run.confidence.values()) / len(run.confidence) for run in runs if run.confidence]
    lowest = math.floor(100 * (min(means) - CONFIDENCE_MARGIN)) / 100 if means else 0.0
    return Usual(max(lowest, 0.0), tuple(_range_of(runs, name) for name in names))


def _range_of(runs: Sequence[CaseRun], name: str) -> tuple[float, float]:
    sizes_ml = [
        voxels * run.voxel_ml
        for run in runs
        if name in run.fits
        for voxels in (run.fits[name].truth_voxels, run.fits[name].predicted_voxels)
        if voxels
    ]
    if not sizes_ml:
        return 0.0, 1e9
    return _rounded(min(sizes_ml) / SIZE_FACTOR), _rounded(max(sizes_ml) * SIZE_FACTOR)


def _rounded(size_ml: float) -> float:
    return float(f"{size_ml:.2g}")
