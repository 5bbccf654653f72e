"""One case as a calibration sees it: log-probabilities where the label could change, and the truth there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_scd.evaluation.evaluate import read_truth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_scd.engine import Session
    from napari_scd.evaluation.cases import CaseFiles
    from napari_scd.evaluation.evaluate import EvaluationPlan, Structure

MOST_OFFSET = 3.0
_SMALLEST = 6e-8  # the smallest number of half precision, in which probabilities arrive


class LabelScores(NamedTuple):
    """Voxels of one case whose label an offset of at most `MOST_OFFSET` could change.

    Attributes
    ----------
    scores : ``(n, classes)`` float32
        Log-probabilities; class 0 is background.
    truth : ``(n,)`` uint8
        Class of each voxel.
    elsewhere : ``(classes,)`` int64
        True voxels of each class among the others, which stay background.
    """

    scores: NDArray[np.float32]
    truth: NDArray[np.uint8]
    elsewhere: NDArray[np.int64]

    @property
    def true_voxels(self) -> NDArray[np.int64]:
        """Voxels of each class in the truth."""
        n_classes = self.scores.shape[1]
        return self.elsewhere + np.bincount(self.truth, minlength=n_classes)


def label_scores(
    probabilities: NDArray[np.float16], truth: NDArray[np.uint8], counted: NDArray[np.bool_]
) -> LabelScores:
    """Pick the voxels of a case that matter.

    Parameters
    ----------
    probabilities : ``(classes, z, y, x)``
        Sum to 1 where the network answered, 0 elsewhere.
    truth : ``(z, y, x)``
        Classes.
    counted : bool ``(z, y, x)``
        Voxels that count.
    """
    floor = np.float16(np.exp(-MOST_OFFSET))
    open_voxels = probabilities[1:].max(axis=0) > floor * probabilities[0]
    open_voxels &= counted
    scores = np.log(np.maximum(probabilities[:, open_voxels].astype(np.float32), _SMALLEST)).T
    rest = truth[counted & ~open_voxels]
    return LabelScores(
        np.ascontiguousarray(scores),
        truth[open_voxels],
        np.bincount(rest, minlength=len(probabilities))[: len(probabilities)],
    )


def case_scores(session: Session, files: CaseFiles, plan: EvaluationPlan, keep: float) -> LabelScores:
    """Segment a case and pick the voxels that matter; the session's recipe has no offsets.

    Raises
    ------
    InputError
        As `evaluate_case`.
    """
    image, truth = read_truth(session, files, plan)
    session.set_volume(image)
    found = session.segment(replace(plan.request, keep=keep, probability=True, clean_up=False))
    assert found.probability is not None
    counted = ~np.isin(truth.array, list(plan.ignored_values))
    classes = true_classes(truth.array, plan.structures)
    return label_scores(found.probability.array, classes, counted)


def true_classes(truth: NDArray[np.integer], structures: Sequence[Structure]) -> NDArray[np.uint8]:
    """Class of each voxel by the values that structures have in truth files; 0 for all else."""
    classes = np.zeros(truth.shape, np.uint8)
    for structure in structures:
        classes[np.isin(truth, structure.values)] = structure.label
    return classes
