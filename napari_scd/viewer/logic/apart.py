"""Volumes object by object, where several clicks found the same structure: left and right are not summed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_scd.viewer.logic.boxes import bins, shared

if TYPE_CHECKING:
    from napari_scd.viewer.logic.clicks import ClickRecord
    from napari_scd.viewer.logic.result import Result


def sizes_of(result: Result) -> list[tuple[str, float]]:
    """Return name and millilitres of each clicked object, or of each label after a run over the volume."""
    found = {index: voxels.volume_ml for index, voxels in result.found().items() if voxels.voxels}
    by_label = [(result.table.name_of(index), volume_ml) for index, volume_ml in found.items()]
    if not found or result.objects or not _by_clicks(result):
        return by_label
    if any(click.everything for click in result.clicks):
        return by_label
    if len(result.clicks) == 1 and not result.accepted:
        return [(result.clicks[0].name, sum(found.values()))]
    counts = [int(one.sum()) for one in _own_counts(result)]
    if result.accepted and sum(counts) < sum(int(result.counts[index]) for index in found):
        return by_label
    return [(click.name, n * result.voxel_ml) for click, n in zip(result.clicks, counts, strict=True) if n]


def apart_ml(result: Result) -> dict[int, list[float]]:
    """Return millilitres object by object, for the labels that several clicks found.

    What a segmentation holds of such a label besides is the last one.
    """
    if not _by_clicks(result):
        return {}
    sizes: dict[int, list[int]] = {}
    for counts in _own_counts(result):
        for index in (np.flatnonzero(counts[1:]) + 1).tolist():
            sizes.setdefault(index, []).append(int(counts[index]))
    if result.accepted:
        for index, parts in sizes.items():
            rest = int(result.counts[index]) - sum(parts)
            parts.extend([rest] if rest > 0 else [])
    return {index: [n * result.voxel_ml for n in parts] for index, parts in sizes.items() if len(parts) > 1}


def _by_clicks(result: Result) -> bool:
    """Whether clicks made the labels; a segmentation may hold others too."""
    return bool(result.clicks) and result.base is None


def _own_counts(result: Result) -> list[np.ndarray]:
    """Voxels of every label that still are as a click found them, and that no later click found as well."""
    counts: list[np.ndarray] = []
    for number, click in enumerate(result.clicks):
        own = (click.values > 0) & (result.labels[click.box] == click.values)
        for later in result.clicks[number + 1 :]:
            _leave(own, click, later)
        counts.append(bins(click.values[own]))
    return counts


def _leave(own: np.ndarray, click: ClickRecord, later: ClickRecord) -> None:
    """Leave to a later click what it found as well."""
    both = shared(click.box, later.box)
    if both is not None:
        mine, theirs = both
        own[mine] &= later.values[theirs] != click.values[mine]
