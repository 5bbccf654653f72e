"""Prompts as the file that the command line reads: what was clicked can be repeated without a window."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_scd.engine import PreviousMask, PromptedObject, objects_to_dict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_scd.viewer.logic.scan_object import ScanObject
    from napari_scd.volume import Volume


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


def _on(grid: Volume, mask: PreviousMask | None) -> PreviousMask | None:
    """Lay a mask on the grid of the file: the voxels are the same, only their places may be turned."""
    if mask is None:
        return None
    return PreviousMask(mask.inside, mask.low, mask.shape, np.asarray(grid.affine))
