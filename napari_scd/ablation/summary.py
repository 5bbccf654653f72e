"""The grid in one table: mean Dice over the seeds, how far they lie apart, and time."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import stats

from napari_scd.ablation.grid import VARIANTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_scd.ablation.runs import Outcome
    from napari_scd.benchmarks import Comparison, Row


class Line(NamedTuple):
    """One variant at one keep ratio.

    Attributes
    ----------
    variant : str
    keep : float
    dice, lowest, highest : float
        Mean Dice over structures: mean, lowest and highest over the seeds.
    seeds : int
    structures : dict of str to float
        Mean over the seeds for each structure.
    window_s : float
        Median seconds of a window.
    macs : int
        Of a window.
    elastic : bool
        Whether the keep ratio changes anything.
    """

    variant: str
    keep: float
    dice: float
    lowest: float
    highest: float
    seeds: int
    structures: dict[str, float]
    window_s: float
    macs: int
    elastic: bool


class Chance(NamedTuple):
    """What seeds do to Dice.

    Attributes
    ----------
    spread : float
        Standard deviation of a run around what its variant and its seed alone would give.
    difference : float
        Two variants differ significantly from here on (5 %, t test on pairs of equal seeds).
    """

    spread: float
    difference: float


def summarise(outcomes: Sequence[Outcome], speed: Comparison) -> list[Line]:
    """Bring outcomes of several seeds and the times of the variants together, in the order of the grid."""
    lines = []
    for variant in VARIANTS:
        mine = [outcome for outcome in outcomes if outcome.variant == variant.name]
        for keep in mine[0].dice if mine else ():
            values = [outcome.dice[keep] for outcome in mine]
            row = _row(speed, variant.name, keep)
            lines.append(
                Line(
                    variant.name,
                    keep,
                    float(np.mean(values)),
                    min(values),
                    max(values),
                    len(values),
                    _mean_structures([outcome.structures[keep] for outcome in mine]),
                    row.median_s,
                    row.macs,
                    variant.elastic,
                )
            )
    return lines


def chance(outcomes: Sequence[Outcome]) -> Chance | None:
    """Measure how much seeds matter, by Dice averaged over keep ratios; None for a single seed or variant."""
    found = {(one.variant, one.seed): float(np.mean(list(one.dice.values()))) for one in outcomes}
    variants, seeds = (sorted(set(names)) for names in zip(*found, strict=True))
    freedom = (len(variants) - 1) * (len(seeds) - 1)
    if not freedom:
        return None
    values = np.array([[found[variant, seed] for seed in seeds] for variant in variants])
    rest = values - values.mean(1, keepdims=True) - values.mean(0, keepdims=True) + values.mean()
    spread = float(np.sqrt((rest**2).sum() / freedom))
    return Chance(spread, float(stats.t.ppf(0.975, freedom)) * spread * (2 / len(seeds)) ** 0.5)


def _row(speed: Comparison, variant: str, keep: float) -> Row:
    mine = [row for row in speed.rows if row.network == variant]
    return next((row for row in mine if row.keep == keep), mine[0])


def _mean_structures(found: list[dict[str, float]]) -> dict[str, float]:
    names = dict.fromkeys(name for one in found for name in one)
    return {name: float(np.mean([one[name] for one in found if name in one])) for name in names}
