"""The work of `benchmark compare`: networks built, compared, shown and written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

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
from napari_scd.checkpoints import Checkpoint, load, suggested_models
from napari_scd.cli.console import err, print_json, say
from napari_scd.cli.run.network_results import Measured, show_measured, to_dict, write_measured
from napari_scd.cli.run.timing import advance, check_keeps
from napari_scd.engine import Request
from napari_scd.model import PRESETS, build_network
from napari_scd.volume import make_phantom, read_volume

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from napari_scd.benchmarks import Timer
    from napari_scd.cli.run.timing import TimingOrder
    from napari_scd.model import ModelConfig, Size3
    from napari_scd.volume import Volume

USUAL = ("house-12", "paper-btcv", "paper-btcv-dense")
PLAIN = "-plain"
ALSO_PLAIN = ("paper-btcv",)
QUICK_WINDOW_VOX = 64
SMALL = 20_000_000
TRAINING_KEEPS = (1.0, 0.5, 0.25, 0.1)


@dataclass(frozen=True)
class CompareOrder:
    """What one call of `benchmark compare` asks for.

    Attributes
    ----------
    models : tuple of str
        Names, files or presets; empty takes the usual ones.
    tasks : tuple of str
        Some of inference, training, volume.
    keeps : tuple of float
    rounds : int
    quick : bool
        Small windows, and fewer networks.
    roi_vox : int or None
        Edge of the presets' windows; None takes each network's own.
    out_channels : int
        Of presets and other networks.
    rivals : bool
        Whether networks of others take part.
    volume : Path or None
        A whole scan; None draws one.
    timing : TimingOrder
    """

    models: tuple[str, ...]
    tasks: tuple[str, ...]
    keeps: tuple[float, ...]
    rounds: int
    quick: bool
    roi_vox: int | None
    out_channels: int
    rivals: bool
    volume: Path | None
    timing: TimingOrder


def run_comparison(order: CompareOrder, *, out: Path | None, as_json: bool) -> None:
    """Compare all networks in every precision and task asked for, and show the result.

    Raises
    ------
    InputError
        For an unknown model, device or precision, a keep ratio out of range, a window that does not fit a
        network or files that cannot be written.
    """
    check_keeps(order.keeps)
    timers = order.timing.timers()
    shipped = _whole_models(order)
    measured = Measured([], [])
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=err, transient=True,
        disable=not err.is_terminal,
    )  # fmt: skip
    with bar:
        for window, networks in _by_window(order, shipped).items():
            for timer in timers:
                measured.comparisons.extend(_compared(order, window, networks, timer, bar))
        if "volume" in order.tasks:
            for timer in timers:
                measured.volumes.extend(_volumes(order, shipped, timer, bar))
    if out is not None:
        write_measured(out, measured)
    if as_json:
        print_json(to_dict(measured))
        return
    show_measured(measured)
    if out is not None:
        say(f"Results: {out}")


def _whole_models(order: CompareOrder) -> list[Checkpoint]:
    """Trained models that take part: those named, else the shipped ones for whole volumes.

    In a quick run only the first of the shipped ones, since all other networks are timed again for every
    window size.
    """
    if order.models:
        return [load(name) for name in _named(order) if name not in PRESETS]
    whole = [card for card in suggested_models() if card.recipe.field == "whole"]
    return [load(str(card.path)) for card in (whole[:1] if order.quick else whole)]


def _by_window(order: CompareOrder, shipped: Sequence[Checkpoint]) -> dict[WindowShape, list[TimedNetwork]]:
    """Networks by window: only those that see the same voxels are compared; other networks join each."""
    by_window: dict[WindowShape, list[TimedNetwork]] = {}
    presets = [name for name in _named(order) if name in PRESETS] if order.models else USUAL
    for name in presets:
        config = _sized(PRESETS[name], order)
        torch.manual_seed(0)
        network = build_network(config)
        _enter(by_window, TimedNetwork(name, network, order.keeps if config.n_stages else ()))
        if _also_plain(name, order):
            _enter(by_window, TimedNetwork(name + PLAIN, plain_copy(network)))
    for checkpoint in shipped:
        name = checkpoint.provenance.name
        _enter(by_window, TimedNetwork(name, checkpoint.network, order.keeps))
        if _also_plain(name, order):
            _enter(by_window, TimedNetwork(name + PLAIN, plain_copy(checkpoint.network)))
    for window, networks in by_window.items():
        if order.rivals:
            networks.extend(_others(window))
    return by_window


def _named(order: CompareOrder) -> list[str]:
    """Return the requested networks once each: NAME-plain means NAME with and without our own kernels."""
    return list(dict.fromkeys(name.removesuffix(PLAIN) for name in order.models))


def _also_plain(name: str, order: CompareOrder) -> bool:
    """Whether a network also runs on PyTorch's own layers, at its own keep ratios."""
    usual = name in ALSO_PLAIN and not order.quick
    return "inference" in order.tasks and (usual or name + PLAIN in order.models)


def _sized(config: ModelConfig, order: CompareOrder) -> ModelConfig:
    """Give a preset the outputs and the window that were asked for."""
    edge = order.roi_vox or (QUICK_WINDOW_VOX if order.quick else None)
    roi: Size3 = config.roi if edge is None else (edge, edge, edge)
    return replace(config, roi=roi, out_channels=order.out_channels)


def _enter(by_window: dict[WindowShape, list[TimedNetwork]], entry: TimedNetwork) -> None:
    config: ModelConfig = entry.network.config  # type: ignore[assignment]
    by_window.setdefault(WindowShape(config.roi, config.in_channels, config.out_channels), []).append(entry)


def _others(window: WindowShape) -> Iterator[TimedNetwork]:
    for name in fitting_others(window.roi):
        torch.manual_seed(0)
        yield TimedNetwork(name, build_other(name, *window))


def _compared(
    order: CompareOrder, window: WindowShape, networks: Sequence[TimedNetwork], timer: Timer, bar: Progress
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
    order: CompareOrder, shipped: Sequence[Checkpoint], timer: Timer, bar: Progress
) -> Iterator[VolumeTimes]:
    request = Request(
        device=order.timing.device, precision=timer.hardware.precision, batch=order.timing.batch
    )
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


def _scan(order: CompareOrder, checkpoint: Checkpoint) -> Volume:
    """Read the user's file, else draw an abdomen (a smaller one in a quick run)."""
    if order.volume is not None:
        return read_volume(order.volume)
    shape, spacing_mm = ((48, 96, 96), (6.0, 4.0, 4.0)) if order.quick else ((140, 256, 256), (3.0, 1.5, 1.5))
    return make_phantom(shape, spacing_mm, modality=checkpoint.recipe.modality)[0]
