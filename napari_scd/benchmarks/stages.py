"""Where a whole scan's time goes, from the file to the labels on disk."""

from __future__ import annotations

import functools
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from napari_scd.benchmarks.bench import Bench
from napari_scd.benchmarks.rounds import spread
from napari_scd.engine import Session, preprocess
from napari_scd.engine.blend import Canvas
from napari_scd.engine.hardware import choose_hardware
from napari_scd.engine.predict import Predictor
from napari_scd.engine.sink import LabelSink
from napari_scd.volume import read_volume, write_labels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from napari_scd.checkpoints import Checkpoint
    from napari_scd.engine import Request
    from napari_scd.engine.report import Report

READING, PREPARING, RESAMPLING = "reading the file", "checks and intensities", "resampling"
IMAGE, STEM, PREFIX = "image branch", "stem", "blocks before the first stage"
REST, ASSEMBLY, DECODER = "blocks behind it", "token assembly", "decoder"
WINDOWS, BLENDING, LABELS = "around the network", "blending", "labels"
BACK, WRITING, OTHER = "way back to the scan's grid", "writing the file", "the rest"
ORDER = (
    READING, PREPARING, RESAMPLING, IMAGE, STEM, PREFIX, REST, ASSEMBLY, DECODER, WINDOWS, BLENDING, LABELS,
    BACK, WRITING, OTHER,
)  # fmt: skip


class Stages(NamedTuple):
    """One scan, stage by stage.

    Attributes
    ----------
    network : str
    shape : tuple of int
        Voxels of the scan.
    keep : tuple of float
    n_windows, n_blank : int
        Windows, and those of air that were not computed.
    device, precision, clock, threads, rounds
        What it ran on and how it was timed.
    total_s : float
        Median over the rounds.
    seconds : dict
        Median seconds by stage, in the order of the work; a stage holds what no other stage claims.
    """

    network: str
    shape: tuple[int, ...]
    keep: tuple[float, ...]
    n_windows: int
    n_blank: int
    device: str
    precision: str
    clock: str
    threads: int
    rounds: int
    total_s: float
    seconds: dict[str, float]


def time_stages(
    checkpoint: Checkpoint,
    scan: Path,
    labels: Path,
    request: Request,
    *,
    processor_time: bool = False,
    rounds: int = 3,
    progress: Callable[[int, int], None] | None = None,
) -> Stages:
    """Segment a file into a file, each time from scratch, after one round that does not count.

    Parameters
    ----------
    checkpoint : Checkpoint
        A model that works on whole volumes.
    scan, labels : Path
        File read, file written.
    request : Request
    processor_time : bool
        As `Bench` takes it.
    progress : callable, optional
        Called with (rounds done, rounds) after each round.
    """
    bench = Bench(choose_hardware(request), processor_time)
    totals: list[float] = []
    found: list[dict[str, float]] = []
    for done in range(rounds + 1):
        with _watched(checkpoint, bench) as watch:
            start = bench.now()
            report = _segment(checkpoint, scan, labels, request, watch)
            total_s = bench.now() - start
        if done:
            totals.append(total_s)
            found.append({**watch.seconds, OTHER: total_s - sum(watch.seconds.values())})
        if progress is not None:
            progress(done, rounds)
    return Stages(
        network=checkpoint.provenance.name,
        shape=report.shape,
        keep=report.keep,
        n_windows=report.n_windows,
        n_blank=report.n_windows_blank,
        device=report.device,
        precision=report.precision,
        clock=bench.clock,
        threads=torch.get_num_threads(),
        rounds=rounds,
        total_s=spread(totals).median_s,
        seconds={stage: float(np.median([one[stage] for one in found])) for stage in ORDER},
    )


def _segment(checkpoint: Checkpoint, scan: Path, labels: Path, request: Request, watch: _Watch) -> Report:
    volume = watch.timed(read_volume, READING)(scan)
    session = Session(*checkpoint, cache_bytes=0)
    session.set_volume(volume)
    result = session.segment(request)
    watch.timed(write_labels, WRITING)(labels, result.labels, like=volume)
    return result.report


@contextmanager
def _watched(checkpoint: Checkpoint, bench: Bench) -> Iterator[_Watch]:
    """While entered, the engine's and the network's steps add their own seconds to the watch yielded."""
    network = checkpoint.network
    places: list[tuple[Any, str, str]] = [
        (Session, "set_volume", PREPARING),
        (preprocess, "resample", RESAMPLING),
        (type(network.decoder), "encode_image", IMAGE),
        (type(network.encoder.patch_embed), "forward", STEM),
        (type(network.encoder), "prefix", PREFIX),
        (type(network.encoder), "rest", REST),
        (type(network.decoder), "forward", DECODER),
        (Predictor, "_is_blank", WINDOWS),
        (Predictor, "_run_batch", WINDOWS),
        (Canvas, "add", BLENDING),
        (LabelSink, "write", LABELS),
        (LabelSink, "labels", BACK),
    ]
    if network.completion is not None:
        places.append((type(network.completion), "forward", ASSEMBLY))
    watch = _Watch(bench, dict.fromkeys(ORDER[:-1], 0.0))
    before = [(owner, name, owner.__dict__.get(name)) for owner, name, _ in (*places, (Canvas, "take", ""))]
    for owner, name, stage in places:
        setattr(owner, name, watch.timed(getattr(owner, name), stage))
    Canvas.take = watch.timed_steps(Canvas.take, BLENDING)  # type: ignore[method-assign]
    try:
        yield watch
    finally:
        for owner, name, method in before:
            if method is None:
                delattr(owner, name)  # the inherited one shows again
            else:
                setattr(owner, name, method)


class _Watch:
    """Adds up seconds by stage; what runs inside a timed call counts for its own stage only."""

    def __init__(self, bench: Bench, seconds: dict[str, float]) -> None:
        self.bench = bench
        self.seconds = seconds
        self._inner_s = [0.0]

    def timed(self, call: Callable[..., Any], stage: str) -> Callable[..., Any]:
        @functools.wraps(call)
        def timed(*arguments: Any, **named: Any) -> Any:
            start = self.bench.now()
            self._inner_s.append(0.0)
            try:
                return call(*arguments, **named)
            finally:
                spent_s = self.bench.now() - start
                self.seconds[stage] += spent_s - self._inner_s.pop()
                self._inner_s[-1] += spent_s

        return timed

    def timed_steps(self, call: Callable[..., Iterator[Any]], stage: str) -> Callable[..., Iterator[Any]]:
        @functools.wraps(call)
        def timed(*arguments: Any, **named: Any) -> Iterator[Any]:
            step = self.timed(functools.partial(next, call(*arguments, **named), None), stage)
            while (item := step()) is not None:
                yield item

        return timed
