"""Everything worth knowing about a device in a few minutes: agreement, times, memory, training."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from napari_scd.benchmarks.comparison import compare_inference, compare_training
from napari_scd.benchmarks.comparison_result import Comparison, TimedNetwork, WindowShape
from napari_scd.benchmarks.memory import working_memory
from napari_scd.benchmarks.timer import Timer
from napari_scd.engine import Request, Session, choose_hardware
from napari_scd.volume import make_phantom

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from napari_scd.checkpoints import Checkpoint
    from napari_scd.volume import Volume

KEEPS = (1.0, 0.25)
KEEP = 0.25
ROUNDS = 3


class ScanRow(NamedTuple):
    """One model on one scan, in one way of running it.

    Attributes
    ----------
    model, precision : str
    compiled : bool
        By `torch.compile`, on CUDA with CUDA graphs.
    first_s, again_s : float
        The first run, with all one-time costs; the median of further runs.
    memory_bytes : int or None
        Needed on top of the weights.
    agreement : float
        Dice of all labelled voxels with the answer in float32 on the CPU: 1 = the same labels.
    """

    model: str
    precision: str
    compiled: bool
    first_s: float
    again_s: float
    memory_bytes: int | None
    agreement: float


class DeviceReport(NamedTuple):
    """What could be measured in the time available.

    Attributes
    ----------
    device, name : str
        Kind of device, and its model name.
    torch : str
        Version.
    scans : tuple of ScanRow
    windows, training : tuple of Comparison
        Inference and training steps, a window at a time, in each precision.
    skipped : tuple of str
        Steps skipped for lack of time.
    seconds : float
    """

    device: str
    name: str
    torch: str
    scans: tuple[ScanRow, ...]
    windows: tuple[Comparison, ...]
    training: tuple[Comparison, ...]
    skipped: tuple[str, ...]
    seconds: float


def report_on(
    device: str,
    checkpoints: Sequence[Checkpoint],
    *,
    budget_s: float = 300.0,
    shape: tuple[int, int, int] = (96, 192, 192),
    tell: Callable[[str], None] | None = None,
) -> DeviceReport:
    """Measure models on a device, the most important first, until the time is used up.

    Parameters
    ----------
    device : str
        "cuda", "mps" or "cpu"; on the CPU, the same steps show that everything works.
    checkpoints : sequence of Checkpoint
    budget_s : float
        No step begins after this time.
    shape : (z, y, x) int
        Voxels of the synthetic scan; click models get one that fits their window.
    tell : callable, optional
        Called with the name of each step.

    Raises
    ------
    DeviceUnavailable
        This machine has no such device.
    """
    hardware = choose_hardware(Request(device=device))
    began = time.perf_counter()
    scans: list[ScanRow] = []
    found: dict[str, list[Comparison]] = {"windows": [], "training": []}
    skipped: list[str] = []
    steps = _steps(device, checkpoints, shape, scans, found)
    for name, step in steps:
        if time.perf_counter() - began >= budget_s:
            skipped.append(name)
            continue
        if tell is not None:
            tell(name)
        step()
    return DeviceReport(
        hardware.device.type,
        torch.cuda.get_device_name() if hardware.device.type == "cuda" else hardware.device.type,
        str(torch.__version__),
        tuple(scans),
        tuple(found["windows"]),
        tuple(found["training"]),
        tuple(skipped),
        time.perf_counter() - began,
    )


def _steps(
    device: str,
    checkpoints: Sequence[Checkpoint],
    shape: tuple[int, int, int],
    scans: list[ScanRow],
    found: dict[str, list[Comparison]],
) -> list[tuple[str, Callable[[], None]]]:
    """Name every step, in order of importance: answers, windows, training, compiled answers."""
    steps: list[tuple[str, Callable[[], None]]] = []
    ways = [("float32", False), ("bfloat16", False)]
    compiled = [("bfloat16", True)] if device == "cuda" else []

    def add_scan(checkpoint: Checkpoint, precision: str, graph: bool) -> None:
        scans.append(_scan_row(checkpoint, shape, device, precision, compiled=graph))

    def add_windows(checkpoint: Checkpoint, precision: str) -> None:
        network, config = checkpoint.network, checkpoint.network.config
        one = TimedNetwork(checkpoint.provenance.name, network, KEEPS)
        window = WindowShape(config.roi, config.in_channels, config.out_channels)
        timer = _timer(device, precision)
        found["windows"].append(compare_inference([one], window, timer, rounds=ROUNDS))

    def add_training(checkpoint: Checkpoint, precision: str) -> None:
        network, config = checkpoint.network, checkpoint.network.config
        one = TimedNetwork(checkpoint.provenance.name, network, KEEPS)
        window = WindowShape(config.roi, config.in_channels, config.out_channels)
        timer = _timer(device, precision)
        found["training"].append(compare_training([one], window, timer, rounds=1))

    for words, add, choices in (
        ("a scan", add_scan, ways),
        ("windows", add_windows, [(precision,) for precision, _ in ways]),
        ("a training step", add_training, [("bfloat16",)]),
        ("a scan", add_scan, compiled),
    ):
        for checkpoint in checkpoints:
            for choice in choices:
                how = f"{choice[0]}{', compiled' if choice[1:] == (True,) else ''}"
                name = f"{words} of {checkpoint.provenance.name}, {how}"
                steps.append((name, lambda add=add, c=checkpoint, x=choice: add(c, *x)))  # type: ignore[misc]
    return steps


def _scan_row(
    checkpoint: Checkpoint, shape: tuple[int, int, int], device: str, precision: str, *, compiled: bool
) -> ScanRow:
    scan = _scan_for(checkpoint, shape)
    request = Request(keep=KEEP, device=device, precision=precision, compile=compiled)
    timer = _timer(device, precision)
    session = Session(*checkpoint, cache_bytes=0)
    session.set_volume(scan)
    seconds: list[float] = []
    labels: list[NDArray[np.generic]] = []

    def run() -> None:
        began = timer.now()
        labels[:] = [session.segment(request).labels.array]
        seconds.append(timer.now() - began)

    memory = working_memory(run, timer.device)
    for _ in range(ROUNDS):
        run()
    reference = Session(*checkpoint, cache_bytes=0)
    reference.set_volume(scan)
    expected = reference.segment(replace(request, device="cpu", precision="float32", compile=False))
    agreement = label_agreement(labels[0], expected.labels.array)
    name = checkpoint.provenance.name
    return ScanRow(name, precision, compiled, seconds[0], float(np.median(seconds[1:])), memory, agreement)


def label_agreement(one: NDArray[np.generic], other: NDArray[np.generic]) -> float:
    """Dice of two label maps over all labels together: 1 where both are empty.

    Examples
    --------
    >>> label_agreement(np.array([0, 1, 2, 2]), np.array([0, 1, 1, 2]))
    0.6666666666666666
    """
    labelled = int(np.count_nonzero(one)) + int(np.count_nonzero(other))
    alike = int(np.count_nonzero((one == other) & (one != 0)))
    return 2 * alike / labelled if labelled else 1.0


def _scan_for(checkpoint: Checkpoint, shape: tuple[int, int, int]) -> Volume:
    """Synthetic scan; one that fits the window where the model is one of clicks."""
    recipe, config = checkpoint.recipe, checkpoint.network.config
    if recipe.field == "click":
        shape = tuple(edge * 3 // 4 for edge in config.roi)  # type: ignore[assignment]
    modality = "CT" if recipe.modality == "CT" else "MR"
    spacing = (1.0, 1.0, 1.0) if recipe.field == "click" else (2.0, 1.5, 1.5)
    return make_phantom(shape, spacing, modality=modality)[0]


def _timer(device: str, precision: str) -> Timer:
    return Timer(choose_hardware(Request(device=device, precision=precision)))
