"""One scan on a machine where other programs run: numbers of threads, and how threads wait for each other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_scd.benchmarks.rounds import in_turn, paired_ratio
from napari_scd.benchmarks.whole_process import cost_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "KMP_LIBRARY")
"""The variables that say how threads wait; a process of ours sets some of them unless one is set."""

_USUAL = {"KMP_LIBRARY": "throughput"}  # what it is anyway: so ours sets nothing
_LOOP = "while True: pass"


class BusyVariant(NamedTuple):
    """How a scan is segmented: threads (None = as many as there are cores), and variables of waiting."""

    name: str
    threads: int | None
    variables: dict[str, str]


class BusyRow(NamedTuple):
    """One variant beside some busy loops.

    Attributes
    ----------
    variant : str
    loops : int
        Other programs, each of which keeps a core busy.
    wall_s : float
        From start to end of the process, median over the rounds.
    work_s : float
        Of these, reading and segmenting the scan.
    processor_s : float or None
        None where the system does not report it.
    ratio : float
        Median over the rounds of `wall_s` / that of the better one of one and two threads.
    """

    variant: str
    loops: int
    wall_s: float
    work_s: float
    processor_s: float | None
    ratio: float


class _Timed(NamedTuple):
    wall_s: float
    work_s: float
    processor_s: float | None


ONE, TWO = BusyVariant("1 thread", 1, {}), BusyVariant("2 threads", 2, {})
VARIANTS = (
    ONE,
    TWO,
    BusyVariant("default", None, {}),
    BusyVariant("default, nothing set", None, _USUAL),
    BusyVariant("default, OMP_WAIT_POLICY=PASSIVE", None, {"OMP_WAIT_POLICY": "PASSIVE"}),
    BusyVariant("default, GOMP_SPINCOUNT=0", None, {"GOMP_SPINCOUNT": "0"}),
    BusyVariant("default, KMP_BLOCKTIME=0", None, {"KMP_BLOCKTIME": "0"}),
)


def measure_busy(
    scan: Path,
    model: str,
    loops: Sequence[int] = (0, 1, 2),
    *,
    keep: float = 0.5,
    rounds: int = 1,
    variants: Sequence[BusyVariant] = VARIANTS,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> list[BusyRow]:
    """Segment a scan in every way, beside every number of busy loops.

    Parameters
    ----------
    scan : Path
    model : str
        Name or file.
    loops : sequence of int
        Numbers of programs beside.
    keep : float
        The keep ratio.
    rounds : int
        How often each way runs; all run in turn.
    variants : sequence of BusyVariant
        `ONE` and `TWO` must be among them.
    progress : callable
        Is told how many numbers of loops are done, and how many there are.

    Raises
    ------
    InputError
        When a run fails.
    """
    rows = []
    for done, n_loops in enumerate(loops, start=1):
        with tempfile.TemporaryDirectory() as folder, _busy_loops(n_loops):
            run = partial(_segment, scan, model, keep, Path(folder))
            measured = in_turn({one.name: partial(run, one) for one in variants}, rounds, warm=True)
        rows += _rows(measured, n_loops)
        progress(done, len(loops))
    return rows


@contextmanager
def _busy_loops(count: int) -> Iterator[None]:
    """Keep some cores busy with programs that do nothing else."""
    running = [subprocess.Popen([sys.executable, "-c", _LOOP]) for _ in range(count)]
    try:
        yield
    finally:
        for one in running:
            one.kill()
            one.wait()


def _segment(scan: Path, model: str, keep: float, folder: Path, variant: BusyVariant) -> _Timed:
    report = folder / "report.json"
    command = [
        sys.executable, "-c", "from napari_scd.cli import main; main()", "segment", str(scan), "-o",
        str(folder / "labels.nii.gz"), "--model", model, "--keep-ratio", f"{keep:g}", "--report", str(report),
        "--threads", str(variant.threads),
    ]  # fmt: skip
    if variant.threads is None:
        command = command[:-2]
    others = {name: value for name, value in os.environ.items() if name not in WAITING}
    cost = cost_of(command, environment=others | variant.variables)
    work_s = float(json.loads(report.read_text(encoding="utf-8"))["seconds"]["total"])
    return _Timed(cost.wall_s, work_s, cost.processor_s)


def _rows(measured: dict[str, list[_Timed]], n_loops: int) -> list[BusyRow]:
    walls = {name: [run.wall_s for run in runs] for name, runs in measured.items()}
    best = np.minimum(walls[ONE.name], walls[TWO.name]).tolist()
    rows = []
    for name, runs in measured.items():
        processor = [run.processor_s for run in runs if run.processor_s is not None]
        rows.append(
            BusyRow(
                name,
                n_loops,
                float(np.median(walls[name])),
                float(np.median([run.work_s for run in runs])),
                float(np.median(processor)) if processor else None,
                paired_ratio(walls[name], best),
            )
        )
    return rows
