"""Tokens of windows of several spacings on one grid: the finest window at a place counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_scd.engine.trace import TokenMaps
from napari_scd.volume import Volume

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_scd.engine.prompts.window import ScanWindow, Space

MOST_CELLS = 128


class TokenPiece(NamedTuple):
    """What one window did with its tokens.

    Attributes
    ----------
    window : ScanWindow
    exit_stage : ``(n,)`` uint8
    scores : ``(S, n)`` float32
        NaN where the token had left.
    """

    window: ScanWindow
    exit_stage: NDArray[np.uint8]
    scores: NDArray[np.float32]


def stitch_tokens(
    pieces: Sequence[TokenPiece], patch: int, n_stages: int, space: Space, affine: NDArray[np.float64]
) -> TokenMaps:
    """Combine the tokens of windows on one grid, later ones on top.

    Parameters
    ----------
    pieces : sequence of TokenPiece
        The coarse windows first.
    patch, n_stages : int
    space : Space
    affine : ``(4, 4)``
        Of the oriented scan.

    Returns
    -------
    TokenMaps
        Cells as large as the finest token, at most 128 along an axis, where the windows lie in the scan; one
        cell of 0 without any window.
    """
    if not pieces:
        empty = np.zeros((1, 1, 1), np.uint8)
        nothing = np.full((n_stages, 1, 1, 1), np.nan, np.float32)
        return _maps(empty, nothing, affine)
    spacing = np.asarray(space.spacing_mm)
    ends = np.array([[piece.window.ends(axis) for axis in range(3)] for piece in pieces])
    low = np.maximum(ends[:, :, 0].min(axis=0), -0.5)
    high = np.minimum(ends[:, :, 1].max(axis=0), np.asarray(space.shape) - 0.5)
    finest_mm = patch * min(piece.window.spacing_mm for piece in pieces)
    cell_mm = max(finest_mm, float(((high - low) * spacing).max()) / MOST_CELLS)
    shape = np.maximum(np.ceil((high - low) * spacing / cell_mm - 1e-6), 1).astype(int)
    first = low + cell_mm / spacing / 2
    exits = np.zeros(shape, np.uint8)
    scores = np.full((n_stages, *shape), np.nan, np.float32)
    for window, exit_stage, rated in pieces:
        grid = tuple(edge // patch for edge in window.roi)
        cells, tokens = [], []
        for axis in range(3):
            places = first[axis] + np.arange(shape[axis]) * cell_mm / spacing[axis]
            index = (places - window.ends(axis)[0]) / (window.step[axis] * patch)
            cells.append(np.flatnonzero((index >= 0) & (index < grid[axis])))
            tokens.append(index[cells[-1]].astype(np.intp))
        exits[np.ix_(*cells)] = exit_stage.reshape(grid)[np.ix_(*tokens)]
        for stage, values in enumerate(rated):
            scores[stage][np.ix_(*cells)] = values.reshape(grid)[np.ix_(*tokens)]
    on_scan = np.diag([*(cell_mm / spacing), 1.0])
    on_scan[:3, 3] = first
    return _maps(exits, scores, affine @ on_scan)


def _maps(exits: NDArray[np.uint8], scores: NDArray[np.float32], affine: NDArray[np.float64]) -> TokenMaps:
    first = scores[0] if len(scores) else np.full(exits.shape, np.nan, np.float32)
    return TokenMaps(Volume(exits, affine), Volume(first, affine), scores)
