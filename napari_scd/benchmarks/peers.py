"""Whole scans, whole processes: this program compared with what a user would install instead."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_scd.benchmarks.rounds import in_turn, paired_ratio
from napari_scd.benchmarks.whole_process import ProcessCost, cost_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from napari_scd.benchmarks.peer_networks import Peer


class PeerRow(NamedTuple):
    """One program on the scan.

    Attributes
    ----------
    name : str
    wall_s : float
        Median over the rounds.
    ratio : float
        Median over the rounds of its time / that of the first program in the same round.
    processor_s : float or None
    peak_bytes : int or None
    rounds_s : tuple of float
        Wall time of every round.
    """

    name: str
    wall_s: float
    ratio: float
    processor_s: float | None
    peak_bytes: int | None
    rounds_s: tuple[float, ...]


def compare_processes(
    commands: Mapping[str, Sequence[str]],
    *,
    rounds: int = 1,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> list[PeerRow]:
    """Run every command to its end, in a new order each round; the first is what ratios refer to.

    Parameters
    ----------
    commands : mapping of str to sequence of str
        By name, ours first.
    progress : callable, optional
        Called with (rounds done, rounds).

    Raises
    ------
    InputError
        A command failed.
    """
    subjects = {name: partial(cost_of, command) for name, command in commands.items()}
    measured = in_turn(subjects, rounds, seed=seed, warm=True, progress=progress)
    first = [cost.wall_s for cost in next(iter(measured.values()))]
    return [_row(name, costs, first) for name, costs in measured.items()]


def peer_command(peer: Peer, scan: Path, labels: Path, threads: int) -> list[str]:
    """Return the command that runs a peer on a scan, in a process of its own."""
    module = "napari_scd.benchmarks.peer_process"
    return [sys.executable, "-m", module, peer.to_json(), str(scan), str(labels), str(threads)]


def _row(name: str, costs: Sequence[ProcessCost], first: Sequence[float]) -> PeerRow:
    walls = [cost.wall_s for cost in costs]
    processor = [cost.processor_s for cost in costs if cost.processor_s is not None]
    peaks = [cost.peak_bytes for cost in costs if cost.peak_bytes is not None]
    return PeerRow(
        name,
        float(np.median(walls)),
        paired_ratio(walls, first),
        float(np.median(processor)) if processor else None,
        max(peaks) if peaks else None,
        tuple(walls),
    )
