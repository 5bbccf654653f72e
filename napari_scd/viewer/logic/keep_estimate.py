"""What the keep slider shows before the network has answered: estimated exit stages, and costs.

Pure numpy on the token grid: one event costs a sort of the tokens that are there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from napari_scd.engine import KEEP_RANGE

if TYPE_CHECKING:
    from collections.abc import Sequence

_BELOW = 1e4  # scores are logarithms of probabilities; this pushes one below every score that was measured

Keep = float | tuple[float, ...] | None


class Counter(Protocol):
    """The part of the network that counts: analytic, so any thread may ask."""

    def token_counts(self, keep: Keep = None) -> tuple[int, ...]: ...  # noqa: D102

    def macs(self, keep: Keep = None) -> Macs: ...  # noqa: D102


class Macs(Protocol):
    """Multiply-accumulates of one window."""

    @property
    def encoder(self) -> int: ...  # noqa: D102

    @property
    def total(self) -> int: ...  # noqa: D102


class Cost(NamedTuple):
    """What a keep ratio costs in one window.

    Parameters
    ----------
    tokens
        Living tokens: (all, after stage 1, ..., after stage S).
    encoder_saved, total_saved
        Share of the dense network's multiply-accumulates that is not spent, in [0, 1].
    """

    tokens: tuple[int, ...]
    encoder_saved: float
    total_saved: float


def cost_of(network: Counter, keep: Keep) -> Cost:
    """Count tokens and multiply-accumulates at a keep ratio."""
    dense, pruned = network.macs(1.0), network.macs(keep)
    return Cost(
        tuple(network.token_counts(keep)),
        1.0 - pruned.encoder / max(dense.encoder, 1),
        1.0 - pruned.total / max(dense.total, 1),
    )


def saving_curve(network: Counter, n_points: int = 20) -> list[tuple[float, float]]:
    """Return (keep, share of the encoder's multiply-accumulates saved) over `KEEP_RANGE`."""
    dense = max(network.macs(1.0).encoder, 1)
    keeps = np.linspace(*KEEP_RANGE, n_points).tolist()
    return [(keep, 1.0 - network.macs(keep).encoder / dense) for keep in keeps]


def estimate_exit_stages(stage_scores: np.ndarray, counts: Sequence[int]) -> np.ndarray:
    """Predict where tokens would leave at another keep ratio, from the scores of the last run.

    Exact for stage 1 of a single window, because the first scores do not depend on the ratio. Later stages
    use the last scores measured; a token that had left before counts as lower than every token that had not.

    Parameters
    ----------
    stage_scores : (S, z, y, x) float32
        Scores on the token grid, NaN where a token was gone or not computed.
    counts : (S+1,) int
        Living tokens of a window: (all, after stage 1, ..., after stage S).

    Returns
    -------
    (z, y, x) uint8
        s = leaves at stage s, S+1 = survives, 0 = not computed.
    """
    n_stages = stage_scores.shape[0]
    scores = stage_scores.reshape(n_stages, int(np.prod(stage_scores.shape[1:])))
    alive = np.flatnonzero(~np.isnan(scores[0])) if n_stages else np.arange(0)
    n_computed = alive.size
    exits = np.zeros(scores.shape[1], np.uint8)
    ranked = np.zeros(scores.shape[1], np.float64)
    for stage in range(n_stages):
        measured = ~np.isnan(scores[stage])
        ranked = np.where(measured, scores[stage], ranked - _BELOW)
        n_kept = max(round(n_computed * counts[stage + 1] / counts[0]), min(1, n_computed))
        n_dropped = max(alive.size - n_kept, 0)
        order = (
            np.argpartition(ranked[alive], n_dropped) if 0 < n_dropped < alive.size else np.arange(alive.size)
        )
        exits[alive[order[:n_dropped]]] = stage + 1
        alive = alive[order[n_dropped:]]
    exits[alive] = n_stages + 1
    return exits.reshape(stage_scores.shape[1:])


def dice(a: np.ndarray, b: np.ndarray) -> float | None:
    """Agreement of two label maps: mean Dice over the labels that either has; None when both are empty."""
    labels = np.union1d(np.unique(a), np.unique(b))
    labels = labels[labels > 0]
    if labels.size == 0:
        return None
    overlaps = [2.0 * np.sum((a == i) & (b == i)) / (np.sum(a == i) + np.sum(b == i)) for i in labels]
    return float(np.mean(overlaps))
