"""What a result says about a place: structure, and what happened to the token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_scd.viewer.logic.result import Result


def describe(result: Result, layer: Any, position: Sequence[float]) -> str:
    """Return what a result says at a place, such as "liver · token left at stage 2, score -3.1".

    Parameters
    ----------
    layer
        The image layer the result belongs to.
    position
        World coordinates in viewer dimensions.
    """
    view = result.view
    index = np.floor(np.asarray(layer.world_to_data(position)) + 0.5).astype(int)
    spatial = index[-3:]
    outside = (spatial < 0).any() or (spatial >= np.asarray(view.shape)).any()
    if outside or tuple(index[:-3]) != view.frame:
        return ""
    label = int(result.labels[tuple(spatial)])
    parts = [result.table.name_of(label)] if label else []
    token = _token_at(result, spatial)
    if token is not None:
        fate, score = token
        survived = fate > result.n_stages
        parts.append("token kept to the end" if survived else f"token left at stage {fate}")
        if np.isfinite(score):
            parts.append(f"score {score:.1f}")
    return " · ".join(parts)


def _token_at(result: Result, spatial: np.ndarray) -> tuple[int, float] | None:
    mm = result.view.affine @ [*spatial, 1.0]
    place = np.floor(np.linalg.solve(result.tokens.affine, mm)[:3] + 0.5).astype(int)
    tokens = result.tokens.array
    if (place < 0).any() or (place >= tokens.shape).any() or not tokens[tuple(place)]:
        return None
    return int(tokens[tuple(place)]), float(result.scores.array[tuple(place)])
