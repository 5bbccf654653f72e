"""Summarises how good a model is after 1, 2, 3, 5 and 10 clicks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_scd.evaluation.clicks import MOST_CLICKS
from napari_scd.evaluation.summary import mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_scd.evaluation.clicks import ClickTrack


class ClickMeans(NamedTuple):
    """Of one structure over its cases, or of all structures.

    Attributes
    ----------
    dice : dict of int to float
        By number of clicks.
    clicks_to_good : float
        Clicks until Dice 0.85, 20 where these were not enough.
    good_share : float
        Share of the structures that reached it, 0-1.
    n : int
        Structures measured.
    """

    dice: dict[int, float]
    clicks_to_good: float
    good_share: float
    n: int


class ClickRow(NamedTuple):
    """One model.

    Attributes
    ----------
    model : str
    overall : ClickMeans
        Of the structures' means, so every structure counts equally, however often it occurs.
    structures : dict of str to ClickMeans
    seconds_median, seconds_p95 : float
        Of one click.
    tokens : tuple of int
        Living tokens of a window at the start and after each stage.
    n_cases : int
    """

    model: str
    overall: ClickMeans
    structures: dict[str, ClickMeans]
    seconds_median: float
    seconds_p95: float
    tokens: tuple[int, ...]
    n_cases: int


def summarise_clicks(model: str, tracks: Sequence[ClickTrack], counts: Sequence[int]) -> ClickRow:
    """Average over cases, then over structures."""
    by_name: dict[str, list[ClickTrack]] = {}
    for track in tracks:
        by_name.setdefault(track.structure, []).append(track)
    structures = {name: _means(some, counts) for name, some in by_name.items()}
    parts = list(structures.values())
    overall = ClickMeans(
        {count: mean(part.dice[count] for part in parts) for count in counts},
        mean(part.clicks_to_good for part in parts),
        mean(part.good_share for part in parts),
        len(tracks),
    )
    seconds = [step.seconds for track in tracks for step in track.steps]
    median, p95 = (float(value) for value in np.percentile(seconds, (50, 95)))
    return ClickRow(
        model,
        overall,
        structures,
        median,
        p95,
        tracks[0].steps[0].tokens,
        len({track.case for track in tracks}),
    )


def _means(tracks: Sequence[ClickTrack], counts: Sequence[int]) -> ClickMeans:
    needed = [track.clicks_to_good for track in tracks]
    return ClickMeans(
        {count: mean(track.dice_after(count) for track in tracks) for count in counts},
        mean(float(MOST_CLICKS if clicks is None else clicks) for clicks in needed),
        mean(float(clicks is not None) for clicks in needed),
        len(tracks),
    )
