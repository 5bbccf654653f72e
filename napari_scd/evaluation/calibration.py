"""Logit offsets that correct the volumes of structures, fitted on validation cases.

A network trained with weighted classes predicts rare structures too often, so their volumes are too large. An
offset on each structure's logit corrects that. A structure gains Dice or loses it with its own offset and
with those of its neighbours, so offsets are found one after the other until none moves: for each, one pass
over the voxels gives Dice and volumes at every candidate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_scd.evaluation.label_scores import MOST_OFFSET

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_scd.evaluation.label_scores import LabelScores

CANDIDATES = np.linspace(-MOST_OFFSET + 0.5, MOST_OFFSET - 0.5, 101)  # every twentieth
VOLUME_WEIGHT = 0.1  # a volume error of 10 % counts as much as 0.01 of Dice
PULL = 0.02  # one unit of offset must gain this much of a structure's Dice, over the root of the cases
RAISING = 5.0  # factor for offsets above 0, which cause false structures in other scans
_ROUNDS = 6
_SMALLEST_RATIO = 0.01


class LabelCounts(NamedTuple):
    """Voxels of each class at each candidate, in one case.

    Attributes
    ----------
    found, right : ``(candidates, classes)`` int64
        Voxels with this label; how many of them are right.
    true : ``(classes,)`` int64
    """

    found: NDArray[np.int64]
    right: NDArray[np.int64]
    true: NDArray[np.int64]


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
    for _ in range(_ROUNDS):
        before = offsets.copy()
        for index in range(1, n_classes):
            worth = _worth([label_counts(case, offsets, index) for case in cases])
            offsets[index] = CANDIDATES[int(np.argmax(worth - pull * np.abs(CANDIDATES)))]
        if np.array_equal(before, offsets):
            break
    return tuple(round(float(offset), 3) for offset in offsets)


def quality(cases: Sequence[LabelScores], offsets: Sequence[float]) -> Quality:
    """Dice and volumes at given offsets, one for each class."""
    return _quality([_counts_at(case, np.asarray(offsets, np.float32)) for case in cases])


def cross_validated(cases: Sequence[LabelScores], folds: int = 5) -> Quality | None:
    """Dice and volumes of cases at offsets fitted on the other ones; None for a single case."""
    folds = min(folds, len(cases))
    if folds < 2:
        return None
    counts: list[LabelCounts] = []
    for fold in range(folds):
        fitted = fit_offsets([case for number, case in enumerate(cases) if number % folds != fold])
        counts += [_counts_at(case, np.asarray(fitted, np.float32)) for case in cases[fold::folds]]
    return _quality(counts)


def label_counts(case: LabelScores, offsets: NDArray[np.float32], index: int) -> LabelCounts:
    """Count labels at every candidate offset of one class, with the other offsets fixed.

    A voxel changes to the class as soon as the offset exceeds the lead of the best other class, so the
    voxels are sorted into the candidates by that lead and added up.
    """
    n_classes, n = case.scores.shape[1], len(CANDIDATES)
    others = case.scores + offsets
    others[:, index] = -np.inf
    label = others.argmax(axis=1)
    ahead = others[np.arange(len(others)), label] - case.scores[:, index]
    turns = np.searchsorted(CANDIDATES, ahead, side="right")  # first candidate above it; n = never
    found, right = np.zeros((n, n_classes), np.int64), np.zeros((n, n_classes), np.int64)
    for counts, those in ((found, slice(None)), (right, label == case.truth)):
        left = np.bincount(turns[those] * n_classes + label[those], minlength=(n + 1) * n_classes)
        left = left.reshape(n + 1, n_classes)
        counts[:] = left.sum(axis=0) - left.cumsum(axis=0)[:n]
    for counts, those in ((found, slice(None)), (right, case.truth == index)):
        counts[:, index] = np.bincount(turns[those], minlength=n + 1).cumsum()[:n]
    return LabelCounts(found, right, case.true_voxels)


def _counts_at(case: LabelScores, offsets: NDArray[np.float32]) -> LabelCounts:
    n_classes = case.scores.shape[1]
    label = (case.scores + offsets).argmax(axis=1)
    found = np.bincount(label, minlength=n_classes)
    right = np.bincount(label[label == case.truth], minlength=n_classes)
    return LabelCounts(found[None], right[None], case.true_voxels)


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
