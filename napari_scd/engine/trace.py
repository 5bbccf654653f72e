"""The exit stages and scores of every window's tokens, stitched into maps over the whole patch grid."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_scd.volume import Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_scd.engine.preprocess import Prepared
    from napari_scd.engine.windows import Size3


class TokenMaps(NamedTuple):
    """Token maps over the tokens that touch the image.

    Attributes
    ----------
    tokens : Volume uint8
        s = left at stage s, S + 1 = survived, 0 = not computed.
    scores : Volume float32
        Score at stage 1 (log-probability, <= 0), NaN where not computed.
    stage_scores : ``(S, z, y, x)`` float32
        Score at every stage, NaN where the token had left or was not computed.
    """

    tokens: Volume
    scores: Volume
    stage_scores: NDArray[np.float32]


class TokenStitcher:
    """Collects windows: of overlaps, the exit stage is the maximum, the score the mean.

    Parameters
    ----------
    prepared : Prepared
    n_stages : int
    """

    def __init__(self, prepared: Prepared, n_stages: int) -> None:
        self._prepared = prepared
        grid = prepared.grid
        tokens = [edge // grid.patch for edge in grid.shape]
        self._exit = np.zeros(tokens, np.uint8)
        self._sum = np.zeros((n_stages, *tokens), np.float32)
        self._count = np.zeros((n_stages, *tokens), np.uint16)

    def add(self, start: Size3, exit_stage: NDArray[np.uint8], scores: NDArray[np.float32]) -> None:
        """Add one window at `start` (padded voxels).

        Parameters
        ----------
        exit_stage : ``(n,)``
        scores : ``(S, n)``
            NaN where the token had already left.
        """
        grid = self._prepared.grid
        shape = [edge // grid.patch for edge in grid.roi]
        first = [at // grid.patch for at in start]
        here = tuple(slice(a, a + n) for a, n in zip(first, shape, strict=True))
        self._exit[here] = np.maximum(self._exit[here], exit_stage.reshape(shape))
        scores = scores.reshape(len(self._sum), *shape)
        known = ~np.isnan(scores)
        every = (slice(None), *here)
        self._sum[every] += np.where(known, scores, 0)
        self._count[every] += known

    def maps(self) -> TokenMaps:
        """Return the maps of all windows so far, cut to the tokens that touch the image."""
        low, high = self._prepared.grid.token_box
        box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        affine = self._prepared.token_affine
        count = self._count[(slice(None), *box)]
        with np.errstate(invalid="ignore", divide="ignore"):
            stages = np.where(count, self._sum[(slice(None), *box)] / count, np.nan).astype(np.float32)
        first = stages[0] if len(stages) else np.full(count.shape[1:], np.nan, np.float32)
        tokens = np.ascontiguousarray(self._exit[box])
        return TokenMaps(Volume(tokens, affine), Volume(first, affine), stages)
