"""Prompts as a file that the command line reads, and the dock again: what was clicked can be repeated."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_scd.engine import PreviousMask, PromptedObject, check_prompts, objects_to_dict, read_objects
from napari_scd.errors import InputError
from napari_scd.volume import Volume

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_scd.viewer.layers import SourceView
    from napari_scd.viewer.logic.scan_object import ScanObject


def prompts_of(objects: Sequence[ScanObject], grid: Volume, *, with_masks: bool = True) -> dict[str, Any]:
    """Return the JSON that `segment --prompts` reads.

    Parameters
    ----------
    objects
        In the order in which they cover each other.
    grid
        Where the labels lie in the file that is written: places are given in its mm.
    with_masks
        Also write the masks that objects start from.
    """
    prompted = [
        PromptedObject(one.name, one.label, replace(one.prompts, previous=_on(grid, one.prompts.previous)))
        for one in objects
    ]
    keeps = {one.name: list(one.keep) for one in objects if one.keep}
    return objects_to_dict(prompted, grid, with_masks=with_masks) | {
        "model": next((one.looked.report["model"] for one in objects if one.n_prompts), ""),
        "keep": keeps,
    }


def prompts_in(path: Path, view: SourceView) -> tuple[PromptedObject, ...]:
    """Read the objects of a prompts file, in voxels of an image.

    Raises
    ------
    InputError
        If the file cannot be used, belongs to another scan, or has prompts that cannot be answered on this
        one.
    """
    grid = _grid_of(view)
    objects = read_objects(path, grid)
    for one in objects:
        try:
            check_prompts(one.prompts, grid)
        except InputError as error:
            raise error.reworded(f"Object '{one.name}': {error}") from error
    to_view = view.affine @ np.linalg.inv(grid.affine)
    return tuple(
        replace(one, prompts=replace(one.prompts, previous=_moved(one.prompts.previous, to_view)))
        for one in objects
    )


def _grid_of(view: SourceView) -> Volume:
    """Return where the voxels lie: as the file says where there is one, which may be tilted."""
    record = view.source
    known = record is not None and tuple(record["shape"]) == view.shape
    affine = np.asarray(record["affine_spl"], float) if known and record is not None else view.affine
    return Volume(np.broadcast_to(np.zeros((), np.uint8), view.shape), affine)


def _moved(mask: PreviousMask | None, matrix: np.ndarray) -> PreviousMask | None:
    return None if mask is None else PreviousMask(mask.inside, mask.low, mask.shape, matrix @ mask.affine)


def _on(grid: Volume, mask: PreviousMask | None) -> PreviousMask | None:
    """Lay a mask on the grid of the file: the voxels are the same, only their places may be turned."""
    if mask is None:
        return None
    return PreviousMask(mask.inside, mask.low, mask.shape, np.asarray(grid.affine))
