"""Networks compared on one window: inference or a training step, paired round by round."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
import torch

from napari_scd.benchmarks.counting import counted_macs
from napari_scd.benchmarks.memory import working_memory
from napari_scd.benchmarks.parts import PartTimes, time_parts
from napari_scd.benchmarks.peak import product_peak
from napari_scd.benchmarks.rounds import in_turn, paired_ratio, spread
from napari_scd.model import narrowed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor, nn

    from napari_scd.benchmarks.bench import Bench
    from napari_scd.model import ScdNetwork
    from napari_scd.model.config import Size3

DENSE = 1.0
_PEAK = ("", None)

Key = tuple[str, float | None]


class Entrant(NamedTuple):
    """A network that takes part.

    Attributes
    ----------
    name : str
    network : Module
    keeps : tuple of float
        Keep ratios it runs at; empty for a network without pruning stages.
    """

    name: str
    network: nn.Module
    keeps: tuple[float, ...] = ()

    @property
    def keys(self) -> list[Key]:
        """What it runs as, dense first."""
        if not self.keeps:
            return [(self.name, None)]
        return [(self.name, keep) for keep in sorted({DENSE, *self.keeps}, reverse=True)]


class Window(NamedTuple):
    """What all of them are given."""

    roi: Size3
    in_channels: int
    out_channels: int


class Shares(NamedTuple):
    """Multiply-accumulates per second as a share of the machine's matrix-product peak in the same round."""

    whole: float
    encoder: float | None = None
    decoder: float | None = None


class Row(NamedTuple):
    """One network at one keep ratio; seconds are those of one window.

    Attributes
    ----------
    network : str
    keep : float or None
        None where nothing can be dropped.
    tokens : tuple of int
        Living tokens at the start and after each stage; empty for other networks.
    n_parameters, macs : int
        Weights; multiply-accumulates of a window (of a training step: forward and backward).
    median_s, quartiles_s : float
        Over the rounds: median, distance of the quartiles.
    speedup : float or None
        Median over rounds of dense time / time, same network.
    macs_per_s : float
    peak : Shares
    memory_bytes : int or None
        Needed on top of the weights by one batch.
    parts : PartTimes or None
        Medians, for inference of our own networks.
    rounds_s : tuple of float
        Every round; equal places belong together.
    """

    network: str
    keep: float | None
    tokens: tuple[int, ...]
    n_parameters: int
    macs: int
    median_s: float
    quartiles_s: float
    speedup: float | None
    macs_per_s: float
    peak: Shares
    memory_bytes: int | None
    parts: PartTimes | None
    rounds_s: tuple[float, ...]


class Comparison(NamedTuple):
    """What ran, on what, and a row for each network and keep ratio."""

    task: str
    window: Window
    device: str
    precision: str
    clock: str
    threads: int
    batch: int
    rounds: int
    peak_macs_per_s: float
    rows: tuple[Row, ...]

    def row(self, network: str, keep: float | None = None) -> Row:
        """Find a row by its two names."""
        return next(row for row in self.rows if (row.network, row.keep) == (network, keep))


class _Contender(NamedTuple):
    """An entrant at one keep ratio: what a round runs, its work where that is known, its tokens."""

    run: Callable[[], float | PartTimes]
    macs: int | None = None
    tokens: tuple[int, ...] = ()


def compare_inference(
    entrants: Sequence[Entrant],
    window: Window,
    bench: Bench,
    *,
    rounds: int = 7,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Time windows of random voxels.

    Parameters
    ----------
    entrants : sequence of Entrant
    window : Window
    bench : Bench
    rounds : int
        How often each runs, after one run that does not count.
    seed : int
        Of voxels and of the order within rounds.
    progress : callable, optional
        Called with (rounds done, rounds) after each round.
    """
    image = _voxels(window, bench, seed)
    contenders: dict[Key, _Contender] = {}
    for entrant in entrants:
        network = entrant.network.to(bench.device).eval()
        if bench.hardware.dtype != torch.float32:  # as one who runs many windows has it
            network = narrowed(network, bench.hardware.dtype)
        for key in entrant.keys:
            if hasattr(network, "config"):
                own, keep = cast("ScdNetwork", network), key[1]
                run = partial(time_parts, own, image, keep, bench)
                contenders[key] = _Contender(run, own.macs(keep).total, own.token_counts(keep))
            else:
                contenders[key] = _Contender(partial(_forward, network, image, bench))
    return _compare("inference", entrants, contenders, window, bench, rounds, seed, progress)


def compare_training(
    entrants: Sequence[Entrant],
    window: Window,
    bench: Bench,
    *,
    rounds: int = 3,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Time training steps: forward, loss, backward, clipping, optimiser; arguments as for inference.

    Multiply-accumulates are those of forward and backward.
    """
    from napari_scd.benchmarks.stepping import Stepper  # needs the extra "train"

    image = _voxels(window, bench, seed)
    generator = torch.Generator().manual_seed(seed)
    shape = (bench.hardware.batch, 1, *window.roi)
    label = torch.randint(window.out_channels, shape, generator=generator, dtype=torch.uint8).to(bench.device)
    contenders: dict[Key, _Contender] = {}
    for entrant in entrants:
        stepper = Stepper(entrant.network, image, label, window.out_channels, bench)
        for key in entrant.keys:
            step = partial(stepper.step, DENSE if key[1] is None else key[1])
            network = entrant.network
            tokens = network.token_counts(key[1]) if hasattr(network, "config") else ()  # type: ignore[operator]
            contenders[key] = _Contender(step, tokens=tokens)
    return _compare("training step", entrants, contenders, window, bench, rounds, seed, progress)


def _compare(
    task: str,
    entrants: Sequence[Entrant],
    contenders: dict[Key, _Contender],
    window: Window,
    bench: Bench,
    rounds: int,
    seed: int,
    progress: Callable[[int, int], None] | None,
) -> Comparison:
    macs, memory = _first_runs(contenders, bench)
    subjects: dict[Key, Callable[[], float | PartTimes]] = {key: one.run for key, one in contenders.items()}
    subjects[_PEAK] = product_peak(bench)
    measured = in_turn(subjects, rounds, seed=seed, warm=True, progress=progress)
    peaks = np.array(measured.pop(_PEAK), dtype=float)
    rows = []
    for entrant in entrants:
        for key in entrant.keys:
            results = measured[key]
            totals = [_total(result) for result in results]
            parts = [result for result in results if isinstance(result, PartTimes)]
            dense = [_total(result) for result in measured[entrant.keys[0]]]
            middle = spread(totals)
            rows.append(
                Row(
                    network=entrant.name,
                    keep=key[1],
                    tokens=contenders[key].tokens,
                    n_parameters=sum(weight.numel() for weight in entrant.network.parameters()),
                    macs=macs[key],
                    median_s=middle.median_s,
                    quartiles_s=middle.quartiles_s,
                    speedup=paired_ratio(dense, totals) if entrant.keeps else None,
                    macs_per_s=macs[key] / middle.median_s,
                    peak=_shares(entrant.network, key[1], macs[key], totals, parts, peaks),
                    memory_bytes=memory[key],
                    parts=PartTimes(*np.median(np.array(parts), axis=0).tolist()) if parts else None,
                    rounds_s=tuple(totals),
                )
            )
    return Comparison(
        task,
        window,
        bench.device.type,
        bench.hardware.precision,
        bench.clock,
        torch.get_num_threads(),
        bench.hardware.batch,
        rounds,
        float(np.median(peaks)),
        tuple(rows),
    )


def _first_runs(
    contenders: dict[Key, _Contender], bench: Bench
) -> tuple[dict[Key, int], dict[Key, int | None]]:
    """Run each once, which warms it up: multiply-accumulates of a window, memory of a batch."""
    macs: dict[Key, int] = {}
    memory: dict[Key, int | None] = {}
    for key, contender in contenders.items():
        counted: list[int] = []
        run = contender.run if contender.macs is not None else partial(_count, contender.run, counted)
        memory[key] = working_memory(run, bench.device)
        macs[key] = counted[0] // bench.hardware.batch if contender.macs is None else contender.macs
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
) -> Shares:
    whole = float(np.median(macs / np.array(totals) / peaks))
    if not parts:
        return Shares(whole)
    by_part = cast("ScdNetwork", network).macs(keep)
    encoder = np.array([one.whole_encoder_s for one in parts])
    decoder = np.array([one.whole_decoder_s for one in parts])
    return Shares(
        whole,
        float(np.median(by_part.encoder / encoder / peaks)),
        float(np.median(by_part.decoder / decoder / peaks)),
    )


def _forward(network: nn.Module, image: Tensor, bench: Bench) -> float:
    with torch.inference_mode(), bench.hardware.autocast():
        start = bench.now()
        network(image)
        return (bench.now() - start) / len(image)


def _total(result: float | PartTimes) -> float:
    return result.total_s if isinstance(result, PartTimes) else result


def _voxels(window: Window, bench: Bench, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    shape = (bench.hardware.batch, window.in_channels, *window.roi)
    return torch.randn(shape, generator=generator).to(bench.device)
