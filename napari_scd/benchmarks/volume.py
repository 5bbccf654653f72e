"""Whole volumes end to end: from voxels in memory to labels on their own grid."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import torch

from napari_scd.benchmarks.memory import working_memory
from napari_scd.benchmarks.rounds import in_turn, paired_ratio, spread
from napari_scd.benchmarks.timer import Timer
from napari_scd.engine import Request, Session, choose_hardware

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_scd.checkpoints import Checkpoint
    from napari_scd.volume import Volume


class VolumeRow(NamedTuple):
    """One keep ratio on a whole volume.

    Attributes
    ----------
    keep : float
    n_windows : int
    median_s, quartiles_s : float
        Preparation, windows, blending and the way back to the volume's own grid.
    windows_s : float
        Median share of that spent in the network.
    speedup : float
        Median over rounds of dense time / time.
    memory_bytes : int or None
        Needed on top of network and volume.
    rounds_s : tuple of float
    """

    keep: float
    n_windows: int
    median_s: float
    quartiles_s: float
    windows_s: float
    speedup: float
    memory_bytes: int | None
    rounds_s: tuple[float, ...]


class VolumeTimes(NamedTuple):
    """What ran, on what, and a row for each keep ratio, dense first."""

    network: str
    shape: tuple[int, ...]
    spacing_mm: tuple[float, ...]
    model_spacing_mm: tuple[float, ...]
    stride: tuple[int, ...]
    device: str
    precision: str
    clock: str
    threads: int
    rounds: int
    rows: tuple[VolumeRow, ...]


class _Pass(NamedTuple):
    total_s: float
    windows_s: float
    n_windows: int
    stride: tuple[int, ...]
    model_spacing_mm: tuple[float, ...]


def time_volume(
    checkpoint: Checkpoint,
    volume: Volume,
    keeps: Sequence[float],
    request: Request,
    *,
    processor_time: bool = False,
    rounds: int = 3,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> VolumeTimes:
    """Segment a volume at every keep ratio in turn, each time from scratch: nothing is cached between passes.

    Parameters
    ----------
    checkpoint : Checkpoint
        A model that works on whole volumes.
    keeps : sequence of float
        Keep ratios; dense is added when it is missing.
    request : Request
        Device, precision and stride.
    processor_time : bool
        As `Timer` takes it.
    """
    sweep = sorted({1.0, *keeps}, reverse=True)
    timer = Timer(choose_hardware(request), processor_time)
    passes: dict[float, Callable[[], _Pass]] = {
        keep: partial(_segment, checkpoint, volume, replace(request, keep=keep), timer) for keep in sweep
    }
    memory = {keep: working_memory(run, timer.device) for keep, run in passes.items()}
    measured = in_turn(passes, rounds, seed=seed, warm=True, progress=progress)
    dense = [one.total_s for one in measured[1.0]]
    rows = []
    for keep in sweep:
        totals = [one.total_s for one in measured[keep]]
        rows.append(
            VolumeRow(
                keep,
                measured[keep][0].n_windows,
                *spread(totals),
                spread([one.windows_s for one in measured[keep]]).median_s,
                paired_ratio(dense, totals),
                memory[keep],
                tuple(totals),
            )
        )
    first = measured[1.0][0]
    return VolumeTimes(
        checkpoint.provenance.name,
        volume.spatial_shape,
        tuple(float(edge) for edge in volume.spacing_mm),
        first.model_spacing_mm,
        first.stride,
        timer.device.type,
        timer.hardware.precision,
        timer.clock,
        torch.get_num_threads(),
        rounds,
        tuple(rows),
    )


def _segment(checkpoint: Checkpoint, volume: Volume, request: Request, timer: Timer) -> _Pass:
    start = timer.now()
    session = Session(*checkpoint, cache_bytes=0)
    session.set_volume(volume)
    report = session.segment(request).report
    total_s = timer.now() - start
    share = (report.seconds.prefix + report.seconds.rest) / report.seconds.total
    return _Pass(total_s, total_s * share, report.n_windows, report.stride, report.model_spacing_mm)
