"""The benchmark's work: a sweep for each precision, as table, JSON and plot."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch
from rich.progress import Progress

from napari_scd.batch import staged
from napari_scd.benchmarks import TimedNetwork, Timer, WindowShape, compare_inference
from napari_scd.benchmarks.sweep_plot import draw_timing
from napari_scd.benchmarks.tables import about, comparison_dict, sweep_table
from napari_scd.checkpoints import load
from napari_scd.cli.console import err, print_json, say, show_whole
from napari_scd.engine import Request
from napari_scd.engine.hardware import choose_hardware
from napari_scd.errors import InputError
from napari_scd.model import PRESETS, build_network

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from rich.progress import TaskID

    from napari_scd.cli.orders import Field, Sweep
    from napari_scd.model import ScdNetwork


def run_sweep(sweep: Sweep, *, plot: Path | None, as_json: bool) -> None:
    """Time every precision and show the result.

    Raises
    ------
    InputError
        For an unknown model, device or precision, a keep ratio out of range or a plot that cannot be written.
    """
    if sweep.threads:
        torch.set_num_threads(sweep.threads)
    check_keeps(sweep.keeps)
    timers = timers_of(sweep)
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
    if plot is not None:
        with staged() as stage:
            draw_timing(stage(plot), results)
    if as_json:
        print_json({"benchmarks": [comparison_dict(result) for result in results]})
        return
    for result in results:
        show_whole(sweep_table(result))
        for sentence in about(result):
            say(sentence, style="dim")
    if plot is not None:
        say(f"plot    {plot}")


def check_keeps(keeps: Iterable[float]) -> None:
    """Refuse keep ratios that users may not ask for; raises `InputError`."""
    for keep in keeps:
        Request(keep=keep)


def timers_of(order: Sweep | Field) -> list[Timer]:
    """Resolve each precision; two words for the same one count once.

    Raises
    ------
    InputError
        For a device or precision that is not there, or processor time of an accelerator.
    """
    requests = (Request(device=order.device, precision=name, batch=order.batch) for name in order.precisions)
    chosen = list(dict.fromkeys(choose_hardware(request) for request in requests))
    if order.processor_time and chosen[0].device.type != "cpu":
        raise InputError("--processor-time says nothing about an accelerator: give --device cpu.")
    return [Timer(hardware, order.processor_time) for hardware in chosen]


def advance(bar: Progress, task: TaskID, done: int, total: int) -> None:
    """Tell a progress bar how many rounds are done."""
    bar.update(task, completed=done, total=total)


def _network(name: str) -> ScdNetwork:
    if name in PRESETS:
        torch.manual_seed(0)
        return build_network(name)
    return load(name).network
