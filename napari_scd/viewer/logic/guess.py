"""What a model with names calls the place of an object: offered as the object's name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_scd.viewer.logic.boxes import bins

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_scd.viewer.logic.result import Result
    from napari_scd.viewer.logic.scan_object import ScanObject

MOST_OF_IT = 0.5


def name_there(one: ScanObject, preview: Result, accepted: Result | None) -> str:
    """Return the structure that most of an object's voxels lie in; empty when no such name is known.

    What runs over the volume and clicks found in the preview counts first, then what was accepted.
    """
    n_voxels = one.n_voxels
    if not n_voxels:
        return ""
    found = np.zeros(n_voxels, np.uint8)
    if preview.base is not None:
        found = preview.base[one.box][one.inside].astype(np.uint8)
    for click in preview.clicks:
        whole = np.zeros(preview.view.shape, np.uint8)
        whole[click.box] = click.values
        there = whole[one.box][one.inside]
        found = np.where(there > 0, there, found)
    known = preview.known_table or preview.table
    name = _most(found, n_voxels, {label.index: label.name for label in known.labels})
    if name or accepted is None or accepted.labels.shape != preview.view.shape:
        return name
    own = {other.label for other in accepted.objects}
    names = {label.index: label.name for label in accepted.table.labels if label.index not in own}
    return _most(accepted.labels[one.box][one.inside], n_voxels, names)


def _most(labels: np.ndarray, n_voxels: int, names: dict[int, str]) -> str:
    counts = bins(np.where(np.isin(labels, list(names)), labels, 0).astype(np.uint8)) if names else None
    if counts is None:
        return ""
    counts[0] = 0
    best = int(counts.argmax())
    return names[best] if counts[best] >= MOST_OF_IT * n_voxels else ""


def used_names(results: Iterable[Result | None]) -> list[str]:
    """Names that the structures of some results have."""
    return [name for result in results if result is not None for name in result.table.names]
