"""Merges the segmentations of several points of one volume."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_scd.engine.report import Seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_scd.engine.report import Report
    from napari_scd.engine.segmentation import Segmentation
    from napari_scd.volume import LabelTable, Volume


def merge(parts: Sequence[Segmentation], table: LabelTable) -> Segmentation:
    """Merge segmentations of one volume.

    Parameters
    ----------
    parts : sequence of Segmentation
        Of one session's volume and request, at least one; they share the grids of labels and tokens.
    table : LabelTable
        Names of the labels, to count them again.

    Returns
    -------
    Segmentation
        Where several parts hold a label the first one wins; a token keeps its latest exit; a score is the
        mean of those computed. Windows, MACs and seconds of the report are sums.
    """
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    labels = first.labels.array.copy()
    for part in parts[1:]:
        np.copyto(labels, part.labels.array, where=labels == 0)
    probabilities = [part.probability for part in parts if part.probability is not None]
    masks = [part.masks for part in parts if part.masks is not None]
    confidences = [part.confidence for part in parts if part.confidence is not None]
    lows = [min(part.region[axis].start for part in parts) for axis in range(3)]
    highs = [max(part.region[axis].stop for part in parts) for axis in range(3)]
    z, y, x = (slice(low, high) for low, high in zip(lows, highs, strict=True))
    return replace(
        first,
        labels=first.labels.with_array(labels),
        tokens=first.tokens.with_array(np.maximum.reduce([part.tokens.array for part in parts])),
        scores=first.scores.with_array(_mean([part.scores.array for part in parts])),
        stage_scores=_mean([part.stage_scores for part in parts]),
        probability=_largest(probabilities),
        masks=_largest(masks),
        confidence=_largest(confidences),
        complete=all(part.complete for part in parts),
        report=_merged_report([part.report for part in parts], first.labels.with_array(labels), table),
        region=(z, y, x),
    )


def _merged_report(reports: Sequence[Report], labels: Volume, table: LabelTable) -> Report:
    first = reports[0]
    counts = np.bincount(labels.array.ravel(), minlength=256)
    voxels = {name: int(counts[table.index_of(name)]) for name in first.voxels}
    sure = {name: mean for report in reversed(reports) for name, mean in (report.confidence or {}).items()}
    return replace(
        first,
        voxels=voxels,
        volumes_ml={name: count * labels.voxel_ml for name, count in voxels.items()},
        n_windows=sum(report.n_windows for report in reports),
        n_windows_planned=sum(report.n_windows_planned for report in reports),
        macs=sum(report.macs for report in reports),
        seconds=Seconds(*(sum(parts) for parts in zip(*(report.seconds for report in reports), strict=True))),
        complete=all(report.complete for report in reports),
        cache=reports[-1].cache,
        confidence=sure or None,
        misfits=tuple(dict.fromkeys(sentence for report in reports for sentence in report.misfits)),
        warnings=tuple(dict.fromkeys(sentence for report in reports for sentence in report.warnings)),
    )


def _mean(maps: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Mean of what was computed; NaN where nothing was."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray(np.nanmean(np.stack(maps), axis=0, dtype=np.float32))


def _largest(volumes: Sequence[Volume]) -> Volume | None:
    if not volumes:
        return None
    return volumes[0].with_array(np.maximum.reduce([volume.array for volume in volumes]))
