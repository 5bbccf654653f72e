"""Labels of one case at changing offsets: how many voxels each class would get at every candidate offset."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_scd.evaluation.label_scores import MOST_OFFSET

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_scd.evaluation.label_scores import LabelScores

CANDIDATES = np.linspace(-MOST_OFFSET + 0.5, MOST_OFFSET - 0.5, 101)  # every twentieth


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


class CaseLabels:
    """One case and the offsets tried on it, one class after the other.

    Only voxels where a class could win at some offsets are looked at when its offset changes: with many
    classes these are few.

    Parameters
    ----------
    case : LabelScores
    """

    def __init__(self, case: LabelScores) -> None:
        self._case = case
        self._offsets = np.zeros(case.scores.shape[1], np.float32)
        self._label = case.scores.argmax(axis=1)
        best, most = case.scores.max(axis=1), CANDIDATES[-1] + 0.01
        background = case.scores[:, 0]
        self._rows = [
            np.flatnonzero((score >= best - 2 * most) & (score >= background - most))
            for score in case.scores.T
        ]

    def counts(self, index: int) -> LabelCounts:
        """Count labels at every candidate offset of one class, with the other offsets as they are.

        A voxel changes to the class as soon as the offset exceeds the lead of the best other class, so the
        voxels are sorted into the candidates by that lead and added up.
        """
        n_classes, n = len(self._offsets), len(CANDIDATES)
        rows = self._rows[index]
        truth = self._case.truth[rows]
        others = self._case.scores[rows] + self._offsets
        others[:, index] = -np.inf
        label = others.argmax(axis=1)
        ahead = others[np.arange(len(rows)), label] - self._case.scores[rows, index]
        turns = np.searchsorted(CANDIDATES, ahead, side="right")  # first candidate above it; n = never
        settled = np.ones(len(self._label), bool)
        settled[rows] = False
        is_right = self._label == self._case.truth
        found, right = np.zeros((n, n_classes), np.int64), np.zeros((n, n_classes), np.int64)
        for counts, elsewhere, those in (
            (found, settled, slice(None)),
            (right, settled & is_right, label == truth),
        ):
            left = np.bincount(turns[those] * n_classes + label[those], minlength=(n + 1) * n_classes)
            left = left.reshape(n + 1, n_classes)
            counts[:] = left.sum(axis=0) - left.cumsum(axis=0)[:n]
            counts += np.bincount(self._label[elsewhere], minlength=n_classes)
        for counts, those in ((found, slice(None)), (right, truth == index)):
            counts[:, index] += np.bincount(turns[those], minlength=n + 1).cumsum()[:n]
        return LabelCounts(found, right, self._case.true_voxels)

    def set(self, index: int, offset: float) -> None:
        """Give a class this offset, one of the candidates."""
        self._offsets[index] = offset
        rows = self._rows[index]
        self._label[rows] = (self._case.scores[rows] + self._offsets).argmax(axis=1)


def counts_at(case: LabelScores, offsets: Sequence[float]) -> LabelCounts:
    """Count labels at given offsets, one for each class: as if they were the only candidate."""
    n_classes = case.scores.shape[1]
    label = (case.scores + np.asarray(offsets, np.float32)).argmax(axis=1)
    found = np.bincount(label, minlength=n_classes)
    right = np.bincount(label[label == case.truth], minlength=n_classes)
    return LabelCounts(found[None], right[None], case.true_voxels)
