"""Runs things to compare in turn, round after round, so that a slower machine slows all of them."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    Key = TypeVar("Key", bound=Hashable)
    Result = TypeVar("Result")


class Spread(NamedTuple):
    """Seconds over the rounds: their median, and the distance between their quartiles."""

    median_s: float
    quartiles_s: float


def in_turn(
    subjects: Mapping[Key, Callable[[], Result]],
    rounds: int,
    *,
    seed: int = 0,
    warm: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> dict[Key, list[Result]]:
    """Run every subject once a round, in a new order each time.

    Parameters
    ----------
    subjects : mapping of callable
        What to run; each returns what it measured.
    rounds : int
        How often each runs.
    seed : int
        Of the order within rounds.
    warm : bool
        Whether each has run before; if not, a first round is not counted.
    progress : callable, optional
        Called with (rounds done, rounds) after each round.

    Returns
    -------
    dict of list
        For each subject what it measured in round 1, 2, ...: equal places belong to the same round.
    """
    order = random.Random(seed)
    measured: dict[Key, list[Result]] = {key: [] for key in subjects}
    for done in range(1 if warm else 0, rounds + 1):
        for key in order.sample(list(subjects), len(subjects)):
            result = subjects[key]()
            if done:
                measured[key].append(result)
        if progress is not None:
            progress(done, rounds)
    return measured


def spread(seconds: Sequence[float]) -> Spread:
    """Median and quartile distance."""
    low, middle, high = np.quantile(np.asarray(seconds), (0.25, 0.5, 0.75))
    return Spread(float(middle), float(high - low))


def paired_ratio(slower: Sequence[float], faster: Sequence[float]) -> float:
    """Median over rounds of one time divided by the other of the same round."""
    return float(np.median(np.asarray(slower) / np.asarray(faster)))
