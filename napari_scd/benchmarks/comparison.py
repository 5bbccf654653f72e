"""Networks compared on one window: inference or a training step, paired round by round."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
import torch

from napari_scd.benchmarks.comparison_result import (
    DENSE,
    Comparison,
    NetworkRow,
    PeakShares,
)
from napari_scd.benchmarks.counting import counted_macs
from napari_scd.benchmarks.memory import working_memory
from napari_scd.benchmarks.parts import PartTimes, time_parts
from napari_scd.benchmarks.peak import product_peak
from napari_scd.benchmarks.rounds import in_turn, paired_ratio, spread
from napari_scd.model import narrowed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor, nn

    from napari_scd.benchmarks.comparison_result import Key, TimedNetwork, WindowShape
    from napari_scd.benchmarks.timer import Timer
    from napari_scd.model import ScdNetwork

_PEAK = ("", None)


class _Variant(NamedTuple):
    """A network at one keep ratio: what a round runs, its multiply-accumulates where known, its tokens."""

    run: Callable[[], float | PartTimes]
    macs: int | None = None
    tokens: tuple[int, ...] = ()


def compare_inference(
    networks: Sequence[TimedNetwork],
    window: WindowShape,
    timer: Timer,
    *,
    rounds: int = 7,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Time windows of random voxels.

    Parameters
    ----------
    networks : sequence of TimedNetwork
    window : WindowShape
    timer : Timer
    rounds : int
        How often each runs, after one run that does not count.
    seed : int
        Of voxels and of the order within rounds.
    progress : callable, optional
        Called with (rounds done, rounds) after each round.
    """
    image = _voxels(window, timer, seed)
    variants: dict[Key, _Variant] = {}
    for entry in networks:
        network = entry.network.to(timer.device).eval()
        if timer.hardware.dtype != torch.float32:  # as for someone who runs many windows
            network = narrowed(network, timer.hardware.dtype)
        for key in entry.keys:
            if hasattr(network, "config"):
                own, keep = cast("ScdNetwork", network), key[1]
                run = partial(time_parts, own, image, keep, timer)
                variants[key] = _Variant(run, own.macs(keep).total, own.token_counts(keep))
            else:
                variants[key] = _Variant(partial(_forward, network, image, timer))
    return _compare("inference", networks, variants, window, timer, rounds, seed, progress)


def compare_training(
    networks: Sequence[TimedNetwork],
    window: WindowShape,
    timer: Timer,
    *,
    rounds: int = 3,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Time training steps: forward, loss, backward, clipping, optimiser; arguments as for inference.

    Multiply-accumulates are those of forward and backward.
    """
    from napari_scd.benchmarks.training_step import TrainingStep  # needs the extra "train"

    image = _voxels(window, timer, seed)
    generator = torch.Generator().manual_seed(seed)
    shape = (timer.hardware.batch, 1, *window.roi)
    label = torch.randint(window.out_channels, shape, generator=generator, dtype=torch.uint8).to(timer.device)
    variants: dict[Key, _Variant] = {}
    for entry in networks:
        stepper = TrainingStep(entry.network, image, label, window.out_channels, timer)
        for key in entry.keys:
            step = partial(stepper.step, DENSE if key[1] is None else key[1])
            network = entry.network
            tokens = network.token_counts(key[1]) if hasattr(network, "config") else ()  # type: ignore[operator]
            variants[key] = _Variant(step, tokens=tokens)
    return _compare("training step", networks, variants, window, timer, rounds, seed, progress)


def _compare(
    task: str,
    networks: Sequence[TimedNetwork],
    variants: dict[Key, _Variant],
    window: WindowShape,
    timer: Timer,
    rounds: int,
    seed: int,
    progress: Callable[[int, int], None] | None,
) -> Comparison:
    macs, memory = _first_runs(variants, timer)
    subjects: dict[Key, Callable[[], float | PartTimes]] = {key: one.run for key, one in variants.items()}
    subjects[_PEAK] = product_peak(timer)
    measured = in_turn(subjects, rounds, seed=seed, warm=True, progress=progress)
    peaks = np.array(measured.pop(_PEAK), dtype=float)
    rows = []
    for entry in networks:
        for key in entry.keys:
            results = measured[key]
            totals = [_total(result) for result in results]
            parts = [result for result in results if isinstance(result, PartTimes)]
            dense = [_total(result) for result in measured[entry.keys[0]]]
            middle = spread(totals)
            rows.append(
                NetworkRow(
                    network=entry.name,
                    keep=key[1],
                    tokens=variants[key].tokens,
                    n_parameters=sum(weight.numel() for weight in entry.network.parameters()),
                    macs=macs[key],
                    median_s=middle.median_s,
                    quartiles_s=middle.quartiles_s,
                    speedup=paired_ratio(dense, totals) if entry.keeps else None,
                    macs_per_s=macs[key] / middle.median_s,
                    peak=_shares(entry.network, key[1], macs[key], totals, parts, peaks),
                    memory_bytes=memory[key],
                    parts=PartTimes(*np.median(np.array(parts), axis=0).tolist()) if parts else None,
                    rounds_s=tuple(totals),
                )
            )
    return Comparison(
        task,
        window,
        timer.device.type,
        timer.hardware.precision,
        timer.clock,
        torch.get_num_threads(),
        timer.hardware.batch,
        rounds,
        float(np.median(peaks)),
        tuple(rows),
    )


def _first_runs(variants: dict[Key, _Variant], timer: Timer) -> tuple[dict[Key, int], dict[Key, int | None]]:
    """Run each once as a warm-up: multiply-accumulates of a window, memory of a batch."""
    macs: dict[Key, int] = {}
    memory: dict[Key, int | None] = {}
    for key, variant in variants.items():
        counted: list[int] = []
        run = variant.run if variant.macs is not None else partial(_count, variant.run, counted)
        memory[key] = working_memory(run, timer.device)
        macs[key] = counted[0] // timer.hardware.batch if variant.macs is None else variant.macs
    return macs, memory


def _count(run: Callable[[], object], counted: list[int]) -> None:
    counted.append(counted_macs(run))


def _shares(
    network: nn.Module,
    keep: float | None,
    macs: int,
    totals: list[float],
    parts: list[PartTimes],
    peaks: np.ndarray,
) -> PeakShares:
    whole = float(np.median(macs / np.array(totals) / peaks))
    if not parts:
        return PeakShares(whole)
    by_part = cast("ScdNetwork", network).macs(keep)
    encoder = np.array([one.whole_encoder_s for one in parts])
    decoder = np.array([one.whole_decoder_s for one in parts])
    return PeakShares(
        whole,
        float(np.median(by_part.encoder / encoder / peaks)),
        float(np.median(by_part.decoder / decoder / peaks)),
    )


def _forward(network: nn.Module, image: Tensor, timer: Timer) -> float:
    with torch.inference_mode(), timer.hardware.autocast():
        start = timer.now()
        network(image)
        return (timer.now() - start) / len(image)


def _total(result: float | PartTimes) -> float:
    return result.total_s if isinstance(result, PartTimes) else result


def _voxels(window: WindowShape, timer: Timer, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    shape = (timer.hardware.batch, window.in_channels, *window.roi)
    return torch.randn(shape, generator=generator).to(timer.device)
