"""The work of `benchmark compare`: networks built, compared, shown and written."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from napari_scd.batch import staged
from napari_scd.benchmarks import (
    Comparison,
    TimedNetwork,
    VolumeTimes,
    WindowShape,
    build_other,
    compare_inference,
    compare_training,
    fitting_others,
    plain_copy,
    time_volume,
)
from napari_scd.benchmarks.comparison_plot import draw_comparisons
from napari_scd.benchmarks.tables import (
    about,
    about_volume,
    comparison_dict,
    comparison_grid,
    comparison_table,
    markdown,
    parts_grid,
    parts_table,
    ratio_grid,
    ratio_table,
    volume_dict,
    volume_grid,
    volume_table,
)
from napari_scd.checkpoints import Checkpoint, list_models, load
from napari_scd.cli.console import err, print_json, say, show_whole
from napari_scd.cli.run.sweep import advance, check_keeps, timers_of
from napari_scd.engine import Request
from napari_scd.model import PRESETS, build_network
from napari_scd.volume import read_volume
from napari_scd.volume.phantom import make_phantom

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from napari_scd.benchmarks import Timer
    from napari_scd.cli.orders import Field
    from napari_scd.model import ModelConfig
    from napari_scd.model.config import Size3
    from napari_scd.volume import Volume

USUAL = ("house-12", "paper-btcv", "paper-btcv-dense")
PLAIN = "-plain"
ALSO_PLAIN = ("paper-btcv",)
QUICK_WINDOW_VOX = 64
SMALL = 20_000_000
TRAINING_KEEPS = (1.0, 0.5, 0.25, 0.1)


class Measured(NamedTuple):
    """Everything one call measured."""

    comparisons: list[Comparison]
    volumes: list[VolumeTimes]


def run_field(order: Field, *, out: Path | None, as_json: bool) -> None:
    """Compare all networks in every precision and task asked for, and show the result.

    Raises
    ------
    InputError
        For an unknown model, device or precision, a keep ratio out of range, a window that does not fit a
        network or files that cannot be written.
    """
    if order.threads:
        torch.set_num_threads(order.threads)
    check_keeps(order.keeps)
    timers = timers_of(order)
    shipped = _whole_models(order)
    measured = Measured([], [])
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=err, transient=True,
        disable=not err.is_terminal,
    )  # fmt: skip
    with bar:
        for window, networks in _fields(order, shipped).items():
            for timer in timers:
                measured.comparisons.extend(_compared(order, window, networks, timer, bar))
        if "volume" in order.tasks:
            for timer in timers:
                measured.volumes.extend(_volumes(order, shipped, timer, bar))
    if out is not None:
        _write(out, measured)
    if as_json:
        print_json(_to_dict(measured))
        return
    _show(measured)
    if out is not None:
        say(f"written to {out}")


def _whole_models(order: Field) -> list[Checkpoint]:
    """Models of trained weights that take part: those named, else the shipped ones for whole volumes.

    In a hurry only the first of the shipped ones: each window of its own brings all other networks along.
    """
    if order.models:
        return [load(name) for name in _named(order) if name not in PRESETS]
    whole = [card for card in list_models() if card.shipped and card.recipe.field == "whole"]
    return [load(str(card.path)) for card in (whole[:1] if order.quick else whole)]


def _fields(order: Field, shipped: Sequence[Checkpoint]) -> dict[WindowShape, list[TimedNetwork]]:
    """Networks by window: only those that see the same voxels are compared; the rivals take part in each."""
    fields: dict[WindowShape, list[TimedNetwork]] = {}
    presets = [name for name in _named(order) if name in PRESETS] if order.models else USUAL
    for name in presets:
        config = _sized(PRESETS[name], order)
        torch.manual_seed(0)
        network = build_network(config)
        _enter(fields, TimedNetwork(name, network, order.keeps if config.n_stages else ()))
        if _also_plain(name, order):
            _enter(fields, TimedNetwork(name + PLAIN, plain_copy(network)))
    for checkpoint in shipped:
        name = checkpoint.provenance.name
        _enter(fields, TimedNetwork(name, checkpoint.network, order.keeps))
        if _also_plain(name, order):
            _enter(fields, TimedNetwork(name + PLAIN, plain_copy(checkpoint.network)))
    for window, networks in fields.items():
        if order.rivals:
            networks.extend(_rivals(window))
    return fields


def _named(order: Field) -> list[str]:
    """Networks asked for, each once: NAME-plain asks for NAME, with and without our own kernels."""
    return list(dict.fromkeys(name.removesuffix(PLAIN) for name in order.models))


def _also_plain(name: str, order: Field) -> bool:
    """Whether a network also runs on PyTorch's own layers, at its own keep ratios."""
    usual = name in ALSO_PLAIN and not order.quick
    return "inference" in order.tasks and (usual or name + PLAIN in order.models)


def _sized(config: ModelConfig, order: Field) -> ModelConfig:
    """Give a preset the outputs and the window that were asked for."""
    edge = order.roi_vox or (QUICK_WINDOW_VOX if order.quick else None)
    roi: Size3 = config.roi if edge is None else (edge, edge, edge)
    return replace(config, roi=roi, out_channels=order.out_channels)


def _enter(fields: dict[WindowShape, list[TimedNetwork]], entry: TimedNetwork) -> None:
    config: ModelConfig = entry.network.config  # type: ignore[assignment]
    fields.setdefault(WindowShape(config.roi, config.in_channels, config.out_channels), []).append(entry)


def _rivals(window: WindowShape) -> Iterator[TimedNetwork]:
    for name in fitting_others(window.roi):
        torch.manual_seed(0)
        yield TimedNetwork(name, build_other(name, *window))


def _compared(
    order: Field, window: WindowShape, networks: Sequence[TimedNetwork], timer: Timer, bar: Progress
) -> Iterator[Comparison]:
    size = "x".join(map(str, window.roi))
    if "inference" in order.tasks:
        task = bar.add_task(f"inference {size} {timer.hardware.precision}", total=order.rounds)
        tell = partial(advance, bar, task)
        yield compare_inference(networks, window, timer, rounds=order.rounds, progress=tell)
    if "training" in order.tasks:
        networks = [
            one for one in networks if not one.name.endswith(PLAIN) and (_is_small(one) or not order.quick)
        ]
        task = bar.add_task(f"training {size} {timer.hardware.precision}", total=order.rounds)
        tell = partial(advance, bar, task)
        fewer = [one._replace(keeps=tuple(k for k in one.keeps if k in TRAINING_KEEPS)) for one in networks]
        yield compare_training(fewer, window, timer, rounds=order.rounds, progress=tell)


def _is_small(entry: TimedNetwork) -> bool:
    return bool(entry.keeps) and sum(weight.numel() for weight in entry.network.parameters()) < SMALL


def _volumes(
    order: Field, shipped: Sequence[Checkpoint], timer: Timer, bar: Progress
) -> Iterator[VolumeTimes]:
    request = Request(device=order.device, precision=timer.hardware.precision, batch=order.batch)
    rounds = min(order.rounds, 3)
    for checkpoint in shipped:
        if checkpoint.recipe.field != "whole":
            continue
        name = checkpoint.provenance.name
        task = bar.add_task(f"whole volume {name} {timer.hardware.precision}", total=rounds)
        scan = _scan(order, checkpoint)
        keeps = tuple(keep for keep in order.keeps if keep in TRAINING_KEEPS)
        yield time_volume(
            checkpoint,
            scan,
            keeps,
            request,
            rounds=rounds,
            processor_time=timer.processor_time,
            progress=partial(advance, bar, task),
        )


def _scan(order: Field, checkpoint: Checkpoint) -> Volume:
    """Read the user's file, else draw an abdomen (a smaller one in a hurry)."""
    if order.volume is not None:
        return read_volume(order.volume)
    shape, spacing_mm = ((48, 96, 96), (6.0, 4.0, 4.0)) if order.quick else ((140, 256, 256), (3.0, 1.5, 1.5))
    return make_phantom(shape, spacing_mm, modality=checkpoint.recipe.modality)[0]


def _show(measured: Measured) -> None:
    for result in measured.comparisons:
        say(f"\n{result.task.capitalize()}, {result.precision}", style="bold")
        for table in (comparison_table(result), parts_table(result), ratio_table(result)):
            if table is not None:
                show_whole(table)
        for sentence in about(result):
            say(sentence, style="dim")
    for times in measured.volumes:
        say(f"\nWhole volume, {times.precision}", style="bold")
        show_whole(volume_table(times))
        say(about_volume(times), style="dim")


def _write(folder: Path, measured: Measured) -> None:
    """Write all three files, or none."""
    with staged() as stage:
        stage(folder / "benchmark.md").write_text(_to_markdown(measured), encoding="utf-8")
        stage(folder / "benchmark.json").write_text(
            json.dumps(_to_dict(measured), indent=2), encoding="utf-8"
        )
        if measured.comparisons:
            draw_comparisons(stage(folder / "benchmark.png"), measured.comparisons)


def _to_markdown(measured: Measured) -> str:
    pieces = []
    for result in measured.comparisons:
        pieces.append(f"## {result.task.capitalize()}, {result.precision}, {result.window.roi[0]} voxels")
        grids = (comparison_grid(result), parts_grid(result), ratio_grid(result))
        pieces += [markdown(grid) for grid in grids if len(grid) > 1]
        pieces += about(result)
    for times in measured.volumes:
        pieces += [f"## Whole volume, {times.precision}", markdown(volume_grid(times)), about_volume(times)]
    return "\n\n".join(pieces) + "\n"


def _to_dict(measured: Measured) -> dict[str, Any]:
    return {
        "comparisons": [comparison_dict(result) for result in measured.comparisons],
        "volumes": [volume_dict(times) for times in measured.volumes],
    }
