"""Logit offsets that correct the volumes of structures, fitted on validation cases.

A network trained with weighted classes predicts rare structures too often, so their volumes are too large. An
offset on each structure's logit corrects that. A structure gains Dice or loses it with its own offset and
with those of its neighbours, so offsets are found one after the other until none moves: for each, one pass
over the voxels gives Dice and volumes at every candidate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_scd.evaluation.label_counts import CANDIDATES, CaseLabels, LabelCounts, counts_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_scd.evaluation.label_scores import LabelScores

VOLUME_WEIGHT = 0.1  # a volume error of 10 % counts as much as 0.01 of Dice
PULL = 0.02  # one unit of offset must gain this much of a structure's Dice, over the root of the cases
RAISING = 5.0  # factor for offsets above 0, which cause false structures in other scans
_ROUNDS = 6
_SMALLEST_RATIO = 0.01


class Quality(NamedTuple):
    """Dice and volume of every structure at given offsets.

    Attributes
    ----------
    dice : ``(structures,)`` float64
        Mean over the cases that hold the structure, NaN when none does.
    volume_ratio : ``(structures,)`` float64
        Median over these cases of found volume / true volume.
    """

    dice: NDArray[np.float64]
    volume_ratio: NDArray[np.float64]

    @property
    def mean_dice(self) -> float:
        """Mean over the structures that occur."""
        return float(np.nanmean(self.dice))

    @property
    def volume_bias(self) -> float:
        """How far volumes are off on average, as `volume_bias` says."""
        return volume_bias(self.volume_ratio.tolist())


def volume_bias(ratios: Sequence[float]) -> float:
    """How far volumes are off on average: 0.1 = by a tenth, too large or too small.

    Examples
    --------
    >>> round(volume_bias([1.25, 0.8, float("nan")]), 3)
    0.25
    """
    off = np.abs(np.log(np.maximum(ratios, _SMALLEST_RATIO)))
    return float(np.expm1(np.nanmean(off)))


def fit_offsets(cases: Sequence[LabelScores]) -> tuple[float, ...]:
    """Find the offset of every class, background first (its own is 0).

    Maximised is mean Dice, minus `VOLUME_WEIGHT` times the volume error, minus `PULL` times the size of the
    offsets over the root of the number of cases: with few cases, offsets stay small.
    """
    n_classes = cases[0].scores.shape[1]
    offsets = np.zeros(n_classes, np.float32)
    pull = PULL / len(cases) ** 0.5 / (n_classes - 1) * np.where(CANDIDATES > 0, RAISING, 1.0)
    labels = [CaseLabels(case) for case in cases]
    for _ in range(_ROUNDS):
        before = offsets.copy()
        for index in range(1, n_classes):
            worth = _worth([case.counts(index) for case in labels])
            offsets[index] = CANDIDATES[int(np.argmax(worth - pull * np.abs(CANDIDATES)))]
            for case in labels:
                case.set(index, float(offsets[index]))
        if np.array_equal(before, offsets):
            break
    return tuple(round(float(offset), 3) for offset in offsets)


def quality(cases: Sequence[LabelScores], offsets: Sequence[float]) -> Quality:
    """Dice and volumes at given offsets, one for each class."""
    return _quality([counts_at(case, offsets) for case in cases])


def cross_validated(cases: Sequence[LabelScores], folds: int = 5) -> Quality | None:
    """Dice and volumes of cases at offsets fitted on the other ones; None for a single case."""
    folds = min(folds, len(cases))
    if folds < 2:
        return None
    counts: list[LabelCounts] = []
    for fold in range(folds):
        fitted = fit_offsets([case for number, case in enumerate(cases) if number % folds != fold])
        counts += [counts_at(case, fitted) for case in cases[fold::folds]]
    return _quality(counts)


def _worth(counts: Sequence[LabelCounts]) -> NDArray[np.float64]:
    """Return the objective without the pull: ``(candidates,)``."""
    dice, ratio = _dice_and_ratio(counts)
    off = np.abs(np.log(np.maximum(ratio, _SMALLEST_RATIO)))
    return np.asarray(np.nanmean(dice, axis=1) - VOLUME_WEIGHT * np.nanmean(off, axis=1))


def _quality(counts: Sequence[LabelCounts]) -> Quality:
    dice, ratio = _dice_and_ratio(counts)
    return Quality(dice[0], ratio[0])


def _dice_and_ratio(
    counts: Sequence[LabelCounts],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean Dice and median volume ratio, both ``(candidates, structures)``; NaN where no case has one."""
    n, n_structures = counts[0].found.shape[0], counts[0].found.shape[1] - 1
    dice, ratio = (np.full((n, n_structures), np.nan) for _ in range(2))
    for place in range(n_structures):
        index = place + 1
        those = [case for case in counts if case.true[index]]
        if those:
            found = np.stack([case.found[:, index] for case in those])
            right = np.stack([case.right[:, index] for case in those])
            true = np.array([[case.true[index]] for case in those])
            dice[:, place] = (2 * right / (found + true)).mean(axis=0)
            ratio[:, place] = np.median(found / true, axis=0)
    return dice, ratio
