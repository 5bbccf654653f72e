"""How a whole scan's time is spent, from the file to the labels on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from napari_scd.benchmarks.call_watch import CallWatch
from napari_scd.benchmarks.rounds import spread
from napari_scd.benchmarks.timer import Timer
from napari_scd.engine import Session, choose_hardware, steps_of
from napari_scd.volume import read_volume, write_labels

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_scd.checkpoints import Checkpoint
    from napari_scd.engine import Report, Request
    from napari_scd.model import ScdNetwork

READING, WRITING, OTHER = "reading the file", "writing the file", "the rest"


class Stages(NamedTuple):
    """One scan, stage by stage.

    Attributes
    ----------
    network : str
    shape : tuple of int
        Voxels of the scan.
    keep : tuple of float
    n_windows, n_blank : int
        Windows, and those of air that were not computed.
    device, precision, clock, threads, rounds
        What it ran on and how it was timed.
    total_s : float
        Median over the rounds.
    seconds : dict
        Median seconds by stage, in the order of the work; a stage holds the time that no other stage counts.
    """

    network: str
    shape: tuple[int, ...]
    keep: tuple[float, ...]
    n_windows: int
    n_blank: int
    device: str
    precision: str
    clock: str
    threads: int
    rounds: int
    total_s: float
    seconds: dict[str, float]


def time_stages(
    checkpoint: Checkpoint,
    scan: Path,
    labels: Path,
    request: Request,
    *,
    processor_time: bool = False,
    rounds: int = 3,
    progress: Callable[[int, int], None] | None = None,
) -> Stages:
    """Segment a file into a file, each time from scratch, after one round that does not count.

    Parameters
    ----------
    checkpoint : Checkpoint
        A model that works on whole volumes.
    scan, labels : Path
        File read, file written.
    request : Request
    processor_time : bool
        As `Timer` takes it.
    progress : callable, optional
        Called with (rounds done, rounds) after each round.
    """
    timer = Timer(choose_hardware(request), processor_time)
    totals: list[float] = []
    found: list[dict[str, float]] = []
    for done in range(rounds + 1):
        with CallWatch(_functions(checkpoint.network), timer.now) as watch:
            start = timer.now()
            report = _segment(checkpoint, scan, labels, request)
            total_s = timer.now() - start
        if done:
            totals.append(total_s)
            found.append({**watch.seconds, OTHER: total_s - sum(watch.seconds.values())})
        if progress is not None:
            progress(done, rounds)
    return Stages(
        network=checkpoint.provenance.name,
        shape=report.shape,
        keep=report.keep,
        n_windows=report.n_windows,
        n_blank=report.n_windows_blank,
        device=report.device,
        precision=report.precision,
        clock=timer.clock,
        threads=torch.get_num_threads(),
        rounds=rounds,
        total_s=spread(totals).median_s,
        seconds={stage: float(np.median([one[stage] for one in found])) for stage in found[0]},
    )


def _segment(checkpoint: Checkpoint, scan: Path, labels: Path, request: Request) -> Report:
    volume = read_volume(scan)
    session = Session(*checkpoint, cache_bytes=0)
    session.set_volume(volume)
    result = session.segment(request)
    write_labels(labels, result.labels, like=volume)
    return result.report


def _functions(network: ScdNetwork) -> dict[str, tuple[Callable[..., object], ...]]:
    """Functions whose time each stage is, in the order of the work."""
    return {READING: (read_volume,), **steps_of(network), WRITING: (write_labels,)}
