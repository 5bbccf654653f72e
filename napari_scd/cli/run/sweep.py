"""The benchmark's work: a sweep for each precision, as table, JSON and plot."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import torch
from rich.progress import Progress

from napari_scd.batch import staged
from napari_scd.benchmarks import (
    TimedNetwork,
    WindowShape,
    about,
    compare_inference,
    comparison_dict,
    draw_timing,
    sweep_table,
)
from napari_scd.checkpoints import load
from napari_scd.cli.console import err, print_json, say, show_whole
from napari_scd.cli.run.timing import advance, check_keeps
from napari_scd.model import PRESETS, build_network

if TYPE_CHECKING:
    from pathlib import Path

    from napari_scd.cli.run.timing import TimingOrder
    from napari_scd.model import ScdNetwork


@dataclass(frozen=True)
class SweepOrder:
    """What one call of `benchmark` asks for; `plot` is a PNG file."""

    model: str
    keeps: tuple[float, ...]
    rounds: int
    timing: TimingOrder
    plot: Path | None = None


def run_sweep(sweep: SweepOrder, *, as_json: bool) -> None:
    """Time every precision and show the result.

    Raises
    ------
    InputError
        For an unknown model, device or precision, a keep ratio out of range or a plot that cannot be written.
    """
    check_keeps(sweep.keeps)
    timers = sweep.timing.timers()
    network = _network(sweep.model)
    config = network.config
    window = WindowShape(config.roi, config.in_channels, config.out_channels)
    results = []
    with Progress(console=err, transient=True, disable=not err.is_terminal) as bar:
        for timer in timers:
            task = bar.add_task(timer.hardware.precision, total=sweep.rounds)
            networks = [TimedNetwork(sweep.model, network, sweep.keeps)]
            tell = partial(advance, bar, task)
            results.append(compare_inference(networks, window, timer, rounds=sweep.rounds, progress=tell))
    if sweep.plot is not None:
        with staged() as stage:
            draw_timing(stage(sweep.plot), results)
    if as_json:
        print_json({"benchmarks": [comparison_dict(result) for result in results]})
        return
    for result in results:
        show_whole(sweep_table(result))
        for sentence in about(result):
            say(sentence, style="dim")
    if sweep.plot is not None:
        say(f"plot    {sweep.plot}")


def _network(name: str) -> ScdNetwork:
    if name in PRESETS:
        torch.manual_seed(0)
        return build_network(name)
    return load(name).network
