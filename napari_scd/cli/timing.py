"""The benchmark's work: a sweep for each precision, as table, JSON and plot."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from rich import box
from rich.progress import Progress
from rich.table import Table

from napari_scd.benchmarks import time_windows
from napari_scd.checkpoints import load
from napari_scd.cli.console import err, out, print_json, say
from napari_scd.cli.staging import staged
from napari_scd.cli.timing_plot import draw_timing
from napari_scd.engine import Request
from napari_scd.engine.hardware import choose_hardware
from napari_scd.model import PRESETS, build_network

if TYPE_CHECKING:
    from pathlib import Path

    from rich.progress import TaskID

    from napari_scd.benchmarks import WindowBenchmark
    from napari_scd.model import ScdNetwork


_COLUMNS = ("keep", "tokens", "GMACs", "prefix", "blocks", "decoder", "window", "speed-up")


@dataclass(frozen=True)
class Sweep:
    """What one call of `benchmark` asks for."""

    model: str
    keeps: tuple[float, ...]
    rounds: int
    device: str
    precisions: tuple[str, ...]
    batch: int | None
    threads: int | None


def run_sweep(sweep: Sweep, *, plot: Path | None, as_json: bool) -> None:
    """Time every precision and show the result.

    Raises
    ------
    InputError
        For an unknown model, device or precision, a keep ratio out of range or a plot that cannot be written.
    """
    if sweep.threads:
        torch.set_num_threads(sweep.threads)
    for keep in sweep.keeps:
        Request(keep=keep)
    choices = [
        choose_hardware(Request(device=sweep.device, precision=precision, batch=sweep.batch))
        for precision in sweep.precisions
    ]
    network = _network(sweep.model)
    results = []
    with Progress(console=err, transient=True, disable=not err.is_terminal) as bar:
        for hardware in choices:
            task = bar.add_task(hardware.precision, total=sweep.rounds)
            tell = partial(_advance, bar, task)
            result = time_windows(
                network, sweep.keeps, hardware, name=sweep.model, rounds=sweep.rounds, progress=tell
            )
            results.append(result)
    if plot is not None:
        with staged() as stage:
            draw_timing(stage(plot), results)
    if as_json:
        print_json({"benchmarks": [to_dict(result) for result in results]})
        return
    for result in results:
        _print(result)
    if plot is not None:
        say(f"plot    {plot}")


def to_dict(result: WindowBenchmark) -> dict[str, Any]:
    """JSON-ready copy of a sweep."""
    rows = [{**row._asdict(), "median": row.median._asdict()} for row in result.rows]
    return {**result._asdict(), "torch": str(torch.__version__), "rows": rows}


def _advance(bar: Progress, task: TaskID, done: int, total: int) -> None:
    bar.update(task, completed=done, total=total)


def _network(name: str) -> ScdNetwork:
    if name in PRESETS:
        torch.manual_seed(0)
        return build_network(name)
    return load(name).network


def _print(result: WindowBenchmark) -> None:
    rows = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
    for title in _COLUMNS:
        rows.add_column(title, justify="left" if title == "tokens" else "right", no_wrap=True)
    for row in result.rows:
        rows.add_row(
            f"{row.keep:g}",
            _tokens(row.tokens),
            f"{row.macs / 1e9:.2f}",
            *(_ms(seconds) for seconds in row.median),
            f"{_ms(row.total_s)} \u00b1 {_ms(row.spread_s)}",
            f"{row.speedup:.2f} x",
        )
    out.print(rows)
    window = " x ".join(map(str, result.roi))
    threads = f"{result.threads} thread{'s' if result.threads != 1 else ''}"
    machine = f"{result.device} · {result.precision} · {threads} · batch {result.batch}"
    say(
        f"{result.model} · window {window} · {machine} · medians of {result.rounds} rounds run in turn",
        style="dim",
    )
    say(
        "times in ms, \u00b1 distance of the quartiles; prefix = before the first stage, "
        "blocks = the later ones and token assembly",
        style="dim",
    )


def _tokens(counts: tuple[int, ...]) -> str:
    return ">".join(map(str, counts)) if len(set(counts)) > 1 else f"{counts[0]} (all)"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f}" if seconds >= 0.1 else f"{seconds * 1000:.1f}"
