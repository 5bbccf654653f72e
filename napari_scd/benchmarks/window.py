"""Time of one window by part of the network, over a sweep of keep ratios.

Every round runs every keep ratio once, in a new order, and the dense network with them. A speed-up is the
median over rounds of dense time / time within the same round, so that a machine that slows down slows both.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import nn

    from napari_scd.engine.hardware import Hardware
    from napari_scd.model import ScdNetwork

DENSE = 1.0


class PartTimes(NamedTuple):
    """Seconds of one window: before the first stage, later blocks with token assembly, decoder."""

    prefix_s: float
    rest_s: float
    decoder_s: float

    @property
    def total_s(self) -> float:
        """All parts."""
        return sum(self)


class KeepTimes(NamedTuple):
    """What one keep ratio costs.

    Attributes
    ----------
    keep : float
    tokens : tuple of int
        Living tokens at the start and after each stage.
    macs : int
        Of one window.
    median : PartTimes
        Median of each part over the rounds.
    total_s, spread_s : float
        Median of the whole window, and the distance between its quartiles.
    speedup : float
        Median over rounds of dense time / time.
    """

    keep: float
    tokens: tuple[int, ...]
    macs: int
    median: PartTimes
    total_s: float
    spread_s: float
    speedup: float


class WindowBenchmark(NamedTuple):
    """A sweep on one machine: what ran, and one row per keep ratio, dense first."""

    model: str
    roi: tuple[int, int, int]
    device: str
    precision: str
    threads: int
    batch: int
    rounds: int
    rows: tuple[KeepTimes, ...]


def time_windows(
    network: ScdNetwork,
    keeps: Sequence[float],
    hardware: Hardware,
    *,
    name: str,
    rounds: int = 7,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> WindowBenchmark:
    """Time windows of random voxels.

    Parameters
    ----------
    network : ScdNetwork
    keeps : sequence of float
        Keep ratios in [0.05, 1]; 1 (dense) is added when it is missing.
    hardware : Hardware
        Device, precision and windows at a time.
    name : str
        Of the model, for the record.
    rounds : int
        How often each keep ratio runs, after one run that does not count.
    seed : int
        Of voxels and of the order within rounds.
    progress : callable, optional
        Called with (rounds done, rounds) after each round.
    """
    network = network.to(hardware.device).eval()
    config = network.config
    sweep = sorted({DENSE, *keeps}, reverse=True)
    generator = torch.Generator().manual_seed(seed)
    shape = (hardware.batch, config.in_channels, *config.roi)
    image = torch.randn(shape, generator=generator).to(hardware.device)
    order = random.Random(seed)
    times: dict[float, list[PartTimes]] = {keep: [] for keep in sweep}
    for done in range(rounds + 1):
        for keep in order.sample(sweep, len(sweep)):
            parts = _time_once(network, image, keep, hardware)
            if done:
                times[keep].append(parts)
        if progress is not None:
            progress(done, rounds)
    rows = tuple(_row(network, keep, times[keep], times[DENSE]) for keep in sweep)
    return WindowBenchmark(
        name,
        config.roi,
        hardware.device.type,
        hardware.precision,
        torch.get_num_threads(),
        hardware.batch,
        rounds,
        rows,
    )


def _time_once(network: ScdNetwork, image: torch.Tensor, keep: float, hardware: Hardware) -> PartTimes:
    """Run one window; parts in seconds per window of the batch."""
    began: list[float] = []

    def before_decoder(module: nn.Module, arguments: object) -> None:
        began.append(_now(hardware.device))

    hook = network.decoder.register_forward_pre_hook(before_decoder)
    try:
        with torch.inference_mode(), hardware.autocast():
            start = _now(hardware.device)
            prefix = network.prefix(image)
            middle = _now(hardware.device)
            network.rest(prefix, keep)
            end = _now(hardware.device)
    finally:
        hook.remove()
    share = 1 / len(image)
    return PartTimes((middle - start) * share, (began[-1] - middle) * share, (end - began[-1]) * share)


def _row(network: ScdNetwork, keep: float, times: list[PartTimes], dense: list[PartTimes]) -> KeepTimes:
    totals = np.array([parts.total_s for parts in times])
    dense_totals = np.array([parts.total_s for parts in dense])
    low, high = np.quantile(totals, (0.25, 0.75))
    return KeepTimes(
        keep=keep,
        tokens=network.token_counts(keep),
        macs=network.macs(keep).total,
        median=PartTimes(*np.median(np.array(times), axis=0).tolist()),
        total_s=float(np.median(totals)),
        spread_s=float(high - low),
        speedup=float(np.median(dense_totals / totals)),
    )


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
    return time.perf_counter()
