"""Measures a model on cases with ground truth, at several keep ratios, through the engine as users run it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_scd.engine import Request
from napari_scd.errors import InputError
from napari_scd.evaluation.cases import CaseFiles, read_pair
from napari_scd.evaluation.metrics import Fit, fit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from napari_scd.engine import Segmentation, Session
    from napari_scd.volume import LabelTable, Volume

KEEPS = (1.0, 0.75, 0.5, 0.35, 0.25, 0.15, 0.1)
TOLERANCE_MM = {"MR": 1.0, "CT": 2.0, "any": 2.0}


class Structure(NamedTuple):
    """What is measured: label id in the model's table, name, and the values it has in truth files."""

    label: int
    name: str
    values: tuple[int, ...]


@dataclass(frozen=True)
class EvaluationPlan:
    """What to measure.

    Attributes
    ----------
    structures : tuple of Structure
    known_values : frozenset of int
        Values that may occur in truth files; others are rejected.
    keeps : tuple of float
    tolerance_mm : float or None
        Of the surface Dice; None leaves out the distances.
    request : Request
        Device, precision, stride.
    ignored_values : frozenset of int
        Truth values whose voxels count neither as right nor as wrong.
    """

    structures: tuple[Structure, ...]
    known_values: frozenset[int]
    keeps: tuple[float, ...] = KEEPS
    tolerance_mm: float | None = 1.0
    request: Request = Request()
    ignored_values: frozenset[int] = frozenset()


class CaseRun(NamedTuple):
    """One case at one keep ratio.

    Attributes
    ----------
    case : str
    keep : float
    fits : dict of str to Fit
        By structure name.
    tokens : tuple of int
        Living tokens of a window at the start and after each stage.
    n_windows, macs : int
        Of the whole case.
    seconds : float
        From the prepared volume to labels on its own grid.
    voxel_ml : float
    confidence : dict of str to float
        Mean probability of each structure, where the plan's request asks for it.
    """

    case: str
    keep: float
    fits: dict[str, Fit]
    tokens: tuple[int, ...]
    n_windows: int
    macs: int
    seconds: float
    voxel_ml: float
    confidence: Mapping[str, float]


def structures_of(
    table: LabelTable, values: Sequence[Sequence[int]] = (), *, only: Sequence[str] = ()
) -> tuple[Structure, ...]:
    """Structures of a label table.

    Parameters
    ----------
    values : sequence of sequence of int
        For each label of the table, the values it has in truth files; empty = its own id.
    only : sequence of str
        Names to measure; empty = all.
    """
    own = values or [(label.index,) for label in table.labels]
    wanted = {table.index_of(name) for name in only} or set(table.indices)
    return tuple(
        Structure(label.index, label.name, tuple(held))
        for label, held in zip(table.labels, own, strict=True)
        if label.index in wanted
    )


def evaluate_case(
    session: Session,
    files: CaseFiles,
    plan: EvaluationPlan,
    change: Callable[[Volume], Volume] | None = None,
) -> Iterator[CaseRun]:
    """Segment a case at every keep ratio and compare with its truth.

    Parameters
    ----------
    session : Session
    files : CaseFiles
    plan : EvaluationPlan
    change : callable, optional
        Applied to the image first, such as one of `CONTRASTS`.

    Raises
    ------
    InputError
        The files do not fit each other or the model, or the truth holds an unknown value.
    """
    image, truth = read_truth(session, files, plan)
    session.set_volume(image if change is None else change(image))
    counted = ~np.isin(truth.array, list(plan.ignored_values))
    overlapping = session.recipe.activation == "sigmoid"
    for keep in plan.keeps:
        request = replace(plan.request, keep=keep, probability=overlapping)
        segmentation = session.segment(request)
        fits = {
            s.name: fit(
                _mask(segmentation, s.label, overlapping) & counted,
                np.isin(truth.array, s.values),
                image.spacing_mm,
                tolerance_mm=plan.tolerance_mm,
            )
            for s in plan.structures
        }
        report = segmentation.report
        yield CaseRun(
            files.name,
            keep,
            fits,
            report.tokens,
            report.n_windows,
            report.macs,
            report.seconds.total,
            image.voxel_ml,
            report.confidence or {},
        )


def read_truth(session: Session, files: CaseFiles, plan: EvaluationPlan) -> tuple[Volume, Volume]:
    """Read image and truth of a case; raises `InputError` as `evaluate_case`."""
    image, truth = read_pair(files, len(session.recipe.channels))
    known = plan.known_values | plan.ignored_values | {0}
    unknown = sorted(set(np.unique(truth.array).tolist()) - known)
    if unknown:
        raise InputError(
            f"{files.label} holds the label value {unknown[0]}, which the model does not know; "
            "use the training file, which says which values mean what, or ignore this value."
        )
    return image, truth


def warm_up(session: Session, files: CaseFiles, plan: EvaluationPlan) -> None:
    """Run one window of a case, so that the first measured one does not include one-time costs."""
    image, _ = read_pair(files, len(session.recipe.channels))
    session.set_volume(image)
    session.preview(plan.request, centre_index=[edge / 2 for edge in image.spatial_shape])


def _mask(segmentation: Segmentation, index: int, overlapping: bool) -> NDArray[np.bool_]:
    """Voxels of a label; of overlapping labels those with a probability above one half."""
    if not overlapping or segmentation.probability is None:
        return np.asarray(segmentation.labels.array == index)
    return np.asarray(segmentation.probability.array[index - 1] > 0.5)
