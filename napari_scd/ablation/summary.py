"""The grid in one table: mean Dice over the seeds, how far they lie apart, and time."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import stats

from napari_scd.ablation.grid import VARIANTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_scd.ablation.runs import VariantResult
    from napari_scd.benchmarks import Comparison, NetworkRow


class VariantRow(NamedTuple):
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


class SeedNoise(NamedTuple):
    """How much seeds change Dice.

    Attributes
    ----------
    spread : float
        Standard deviation of a run around what its variant and its seed alone would give.
    difference : float
        Two variants differ significantly from here on (5 %, t test on pairs of equal seeds).
    """

    spread: float
    difference: float


def summarise(results: Sequence[VariantResult], speed: Comparison) -> list[VariantRow]:
    """Bring results of several seeds and the times of the variants together, in the order of the grid."""
    lines = []
    for variant in VARIANTS:
        mine = [result for result in results if result.variant == variant.name]
        for keep in mine[0].dice if mine else ():
            values = [result.dice[keep] for result in mine]
            row = _row(speed, variant.name, keep)
            lines.append(
                VariantRow(
                    variant.name,
                    keep,
                    float(np.mean(values)),
                    min(values),
                    max(values),
                    len(values),
                    _mean_structures([result.structures[keep] for result in mine]),
                    row.median_s,
                    row.macs,
                    variant.elastic,
                )
            )
    return lines


def seed_noise(results: Sequence[VariantResult]) -> SeedNoise | None:
    """Measure how much seeds matter, by Dice averaged over keep ratios; None for a single seed or variant."""
    found = {(one.variant, one.seed): float(np.mean(list(one.dice.values()))) for one in results}
    variants, seeds = (sorted(set(names)) for names in zip(*found, strict=True))
    freedom = (len(variants) - 1) * (len(seeds) - 1)
    if not freedom:
        return None
    values = np.array([[found[variant, seed] for seed in seeds] for variant in variants])
    rest = values - values.mean(1, keepdims=True) - values.mean(0, keepdims=True) + values.mean()
    spread = float(np.sqrt((rest**2).sum() / freedom))
    return SeedNoise(spread, float(stats.t.ppf(0.975, freedom)) * spread * (2 / len(seeds)) ** 0.5)


def _row(speed: Comparison, variant: str, keep: float) -> NetworkRow:
    mine = [row for row in speed.rows if row.network == variant]
    return next((row for row in mine if row.keep == keep), mine[0])


def _mean_structures(found: list[dict[str, float]]) -> dict[str, float]:
    names = dict.fromkeys(name for one in found for name in one)
    return {name: float(np.mean([one[name] for one in found if name in one])) for name in names}
