"""A voxel that a user clicked ends up as they said, whatever the network answered."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_scd.engine.prompts.answer import Draft
    from napari_scd.engine.prompts.look import Pointed
    from napari_scd.engine.windows import Size3

BESIDE = 1.5
"""How far around a wrong voxel its neighbours change with it, in edges of the scan's finest voxel."""


def obey(draft: Draft, pointed: Pointed) -> None:
    """Correct the voxels of prompts where the answer contradicts them, each with its neighbours.

    Prompts whose voxels are right change nothing. A neighbour stays as it is if a prompt of the other kind is
    at least as near. The box counts more than what lies outside it, and an empty answer stays empty: it says
    that nothing was found.

    Parameters
    ----------
    draft : Draft
    pointed : Pointed
        All prompts so far.

    Examples
    --------
    The network left out the clicked voxel ``+`` of a slice, and took in the excluded ``-``::

        . . . . . # # # #         . # # # . . . # #
        . . + . . # - # #    ->   . # + # . - . # #
        . . . . . # # # #         . # # # . . . # #
    """
    if not draft.mask.any():
        return
    included = _within(pointed.included, pointed.box)
    excluded = _within(pointed.excluded, pointed.box)
    for voxels, others, inside in ((included, excluded, True), (excluded, included, False)):
        wrong = voxels[draft.holds(voxels) != inside]
        if len(wrong):
            draft.mark(_with_neighbours(wrong, others, draft), inside=inside)


def _within(voxels: Sequence[Size3], box: tuple[Size3, Size3] | None) -> NDArray[np.int64]:
    places = np.asarray(voxels, np.int64).reshape(-1, 3)
    if box is None:
        return places
    return places[((places >= box[0]) & (places < box[1])).all(axis=1)]


def _with_neighbours(voxels: NDArray[np.int64], others: NDArray[np.int64], draft: Draft) -> NDArray[np.int64]:
    """Add the neighbours ``(n, 3)`` that are nearer to `voxels` than to `others`."""
    spacing_mm, shape = np.asarray(draft.space.spacing_mm), np.asarray(draft.space.shape)
    steps = np.asarray(list(itertools.product((-1, 0, 1), repeat=3)))
    beside = np.linalg.norm(steps * spacing_mm, axis=1) <= BESIDE * draft.space.finest_mm
    places = np.unique((voxels[:, None] + steps[beside]).reshape(-1, 3), axis=0)
    places = places[((places >= 0) & (places < shape)).all(axis=1)]
    if not len(others):
        return places
    own_mm, other_mm = (KDTree(at * spacing_mm).query(places * spacing_mm)[0] for at in (voxels, others))
    return np.asarray(places[own_mm < other_mm])
