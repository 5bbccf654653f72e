"""The work of `benchmark stages`: one scan, from file to file, stage by stage."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from rich.progress import Progress

from napari_scd.benchmarks import Stages, stages_table, time_stages
from napari_scd.checkpoints import load
from napari_scd.cli.console import err, print_json, say, show_whole
from napari_scd.cli.run.timing import advance
from napari_scd.engine import Request
from napari_scd.errors import InputError


@dataclass(frozen=True)
class StagesOrder:
    """What one call of `benchmark stages` asks for."""

    scan: Path
    model: str
    keep: float | tuple[float, ...] | None
    rounds: int
    device: str
    precision: str
    threads: int | None
    processor_time: bool
    as_json: bool


def run_stages(order: StagesOrder) -> None:
    """Time the stages of one scan and show them.

    Raises
    ------
    InputError
        For an unknown model, a model of clicks, a scan that cannot be read or settings out of range.
    """
    if order.threads:
        torch.set_num_threads(order.threads)
    request = Request(keep=order.keep, device=order.device, precision=order.precision)
    checkpoint = load(order.model)
    if checkpoint.recipe.field != "whole":
        raise InputError(
            f"{checkpoint.provenance.name} answers clicks only: choose a model that segments whole scans."
        )
    with (
        tempfile.TemporaryDirectory() as folder,
        Progress(console=err, transient=True, disable=not err.is_terminal) as bar,
    ):
        task = bar.add_task(order.scan.name, total=order.rounds)
        result = time_stages(
            checkpoint,
            order.scan,
            Path(folder) / "labels.nii.gz",
            request,
            processor_time=order.processor_time,
            rounds=order.rounds,
            progress=partial(advance, bar, task),
        )
    if order.as_json:
        print_json(result._asdict())
        return
    show_whole(stages_table(result))
    say(_about(result), style="dim")


def _about(result: Stages) -> str:
    """Say what ran on what, below the table."""
    shape = " x ".join(map(str, result.shape))
    threads = f"{result.threads} thread{'s' if result.threads != 1 else ''}"
    keep = ", ".join(f"{ratio:g}" for ratio in sorted(set(result.keep), reverse=True))
    return (
        f"{result.network} \u00b7 scan {shape} \u00b7 keep {keep} \u00b7 {result.n_windows} windows, "
        f"{result.n_blank} of air skipped \u00b7 {result.device} \u00b7 {result.precision} \u00b7 {threads} "
        f"\u00b7 {result.clock} time \u00b7 medians of {result.rounds} rounds"
    )
