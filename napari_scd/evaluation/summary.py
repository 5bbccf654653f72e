"""Many measurements -> one row per keep ratio."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from napari_scd.evaluation.evaluate import CaseRun
    from napari_scd.evaluation.metrics import Fit


class Means(NamedTuple):
    """One structure over its cases, or all structures; NaN where there was nothing.

    Attributes
    ----------
    dice, hd95_mm, surface_dice : float
        Means; the 95 % Hausdorff distance in mm.
    volume_ratio : float
        Median of found volume / true volume: above 1, the structure comes out too large.
    """

    dice: float
    hd95_mm: float
    surface_dice: float
    volume_ratio: float


class KeepRow(NamedTuple):
    """One keep ratio.

    Attributes
    ----------
    keep : float
    overall : Means
        Of the structures' means, so every structure counts equally, however often it occurs.
    structures : dict of str to Means
        Over the cases where the structure is there.
    tokens : tuple of int
        Living tokens of a window at the start and after each stage.
    macs, seconds, n_windows : float
        Of a case, on average.
    missed, false_alarms : int
        Structures that were missed completely; structures that were found but do not exist.
    n_cases : int
    """

    keep: float
    overall: Means
    structures: dict[str, Means]
    tokens: tuple[int, ...]
    macs: float
    seconds: float
    n_windows: float
    missed: int
    false_alarms: int
    n_cases: int


def summarise(runs: Sequence[CaseRun]) -> list[KeepRow]:
    """One row per keep ratio, in the order in which they were run."""
    by_keep: dict[float, list[CaseRun]] = {}
    for run in runs:
        by_keep.setdefault(run.keep, []).append(run)
    return [_row(keep, some) for keep, some in by_keep.items()]


def _row(keep: float, runs: list[CaseRun]) -> KeepRow:
    structures = {name: _means([run.fits[name] for run in runs]) for name in runs[0].fits}
    fits = [fit for run in runs for fit in run.fits.values()]
    return KeepRow(
        keep=keep,
        overall=_means(structures.values()),
        structures=structures,
        tokens=runs[0].tokens,
        macs=mean(run.macs for run in runs),
        seconds=mean(run.seconds for run in runs),
        n_windows=mean(run.n_windows for run in runs),
        missed=sum(fit.truth_voxels > 0 and fit.predicted_voxels == 0 for fit in fits),
        false_alarms=sum(fit.truth_voxels == 0 and fit.predicted_voxels > 0 for fit in fits),
        n_cases=len(runs),
    )


def _means(parts: Iterable[Fit | Means]) -> Means:
    listed = list(parts)
    return Means(
        mean(part.dice for part in listed),
        mean(part.hd95_mm for part in listed),
        mean(part.surface_dice for part in listed),
        median(part.volume_ratio for part in listed),
    )


def mean(values: Iterable[float]) -> float:
    """Mean of the numbers that are not NaN; NaN when there is none."""
    finite = [value for value in values if not math.isnan(value)]
    return sum(finite) / len(finite) if finite else math.nan


def median(values: Iterable[float]) -> float:
    """Median of the numbers that are not NaN; NaN when there is none."""
    finite = [value for value in values if not math.isnan(value)]
    return statistics.median(finite) if finite else math.nan
