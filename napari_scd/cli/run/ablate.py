"""Carry out an ablation: data, runs one by one, times, table and plot."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from rich import box
from rich.table import Table

from napari_scd.ablation import (
    KEEPS,
    AblationHeading,
    StoppedRun,
    chosen_variants,
    common_start,
    configured,
    dice_grid,
    plot_grid,
    preset_config,
    run_variant,
    seed_noise,
    small_cases,
    summarise,
    time_grid,
    time_variants,
    to_dict,
    to_markdown,
)
from napari_scd.batch import staged
from napari_scd.benchmarks import Timer
from napari_scd.cli.console import busy, say, show_whole
from napari_scd.cli.run.timing import check_keeps
from napari_scd.cli.run.train import dice_text, display
from napari_scd.engine import Request, choose_hardware
from napari_scd.errors import InputError
from napari_scd.training import RunOptions, read_config

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_scd.ablation import SeedNoise, VariantResult, VariantRow
    from napari_scd.training import TrainConfig


@dataclass(frozen=True)
class AblateOrder:
    """What one call of `ablate` asks for.

    One of `config` (a training file) and `preset` is given; `steps` replaces that of the file; `variants`
    empty takes all.
    """

    config: Path | None
    preset: str | None
    out: Path | None
    images: Path | None
    labels: Path | None
    dataset: Path | None
    variants: tuple[str, ...]
    seeds: int
    steps: int | None
    keeps: tuple[float, ...]
    device: str
    precision: str
    threads: int | None


def run_ablation(order: AblateOrder) -> int:
    """Train what is missing of the grid, measure, write; return the exit code.

    Returns
    -------
    int
        0, or 128 and the number of the signal that stopped a run.

    Raises
    ------
    InputError
        Bad configuration or data, an unknown variant, or a folder that holds another grid.
    """
    if order.threads:
        torch.set_num_threads(order.threads)
    keeps = tuple(sorted({1.0, *(order.keeps or KEEPS)}, reverse=True))
    check_keeps(keeps)
    variants = chosen_variants(order.variants)
    hardware = choose_hardware(Request(device=order.device, precision=order.precision))
    config, out = _configuration(order)
    config = small_cases(config, out / "cases")
    options = RunOptions(out, device=hardware.device.type, precision=hardware.precision)
    seeds = tuple(range(config.seed, config.seed + order.seeds))
    grid = [(variant, seed) for seed in seeds for variant in variants]
    results: list[VariantResult] = []
    for number, (variant, seed) in enumerate(grid, start=1):
        own = configured(config, variant, seed, keeps)
        with display(own) as shown:
            start = replace(options, init=common_start(config, seed))
            result = run_variant(variant, own, start, shown.report, shown.tell)
        if isinstance(result, StoppedRun):
            say(f"Stopped at step {result.step} of {own.name}. Rerun the command to resume.")
            return 128 + result.signal
        results.append(result)
        measured = {f"dice@{keep:g}": value for keep, value in result.dice.items()}
        say(f"{number} of {len(grid)}: {variant.name}, seed {seed}: Dice {dice_text(measured)}")
    with busy("Measuring times"):
        configs = {variant.name: configured(config, variant, seeds[0], keeps) for variant in variants}
        lines = summarise(results, time_variants(configs, keeps, Timer(hardware)))
    heading = AblationHeading(
        data=order.preset or config.name,
        n_training=len(config.data.training),
        n_measured=len(config.data.validation),
        steps=config.steps,
        batch=config.batch,
        seeds=seeds,
        device=hardware.device.type,
        precision=hardware.precision,
        threads=torch.get_num_threads(),
        command=_command(),
    )
    _write(out, heading, lines, seed_noise(results))
    show_whole(_table(dice_grid(lines)))
    show_whole(_table(time_grid(lines)))
    say("Dice above, milliseconds of a window below", style="dim")
    say(f"Results: {out}")
    return 0


def _configuration(order: AblateOrder) -> tuple[TrainConfig, Path]:
    """Training file or preset with what the command line adds, and the folder of the grid."""
    paths = {"dataset": order.dataset, "images": order.images, "labels": order.labels}
    data = {key: str(path) for key, path in paths.items() if path is not None}
    name = order.preset or Path(str(order.config)).stem
    out = order.out or Path("runs") / f"ablation-{name}"
    if order.preset is not None:
        config = preset_config(order.preset, data, out)
    else:
        assert order.config is not None  # one of the two is given
        config = read_config(order.config, data=data)
    if not config.model.n_stages:
        raise InputError(
            "An ablation starts from a network with pruning stages: give the training file a 'model:' with "
            "'prune_after'."
        )
    return replace(config, steps=order.steps or config.steps), out


def _write(
    folder: Path, heading: AblationHeading, lines: Sequence[VariantRow], noise: SeedNoise | None
) -> None:
    """Write all three files, or none."""
    seeds = "1 seed" if len(heading.seeds) == 1 else f"{len(heading.seeds)} seeds"
    title = f"{heading.data}: {heading.steps} steps, {seeds}, {heading.n_measured} cases"
    with staged() as stage:
        stage(folder / "ablation.md").write_text(to_markdown(heading, lines, noise), encoding="utf-8")
        text = json.dumps(to_dict(heading, lines, noise), indent=2)
        stage(folder / "ablation.json").write_text(text, encoding="utf-8")
        plot_grid(stage(folder / "ablation.png"), title, lines, noise)


def _table(grid: list[list[str]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for place, title in enumerate(grid[0]):
        table.add_column(title, justify="right" if place else "left", no_wrap=True)
    for row in grid[1:]:
        table.add_row(*row)
    return table


def _command() -> str:
    """Return the command line, with only the last part of each path."""
    words = [Path(word).name if "/" in word else word for word in sys.argv[1:]]
    return shlex.join(["napari-scd", *words])
