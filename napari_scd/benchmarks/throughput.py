"""How many scans an hour one machine finishes: processes times threads, with the memory of each process."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from napari_scd.benchmarks.process_tree import TreeMemory
from napari_scd.benchmarks.whole_process import cost_of
from napari_scd.errors import InputError
from napari_scd.volume import READABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_HOUR_S = 3600.0


class Load(NamedTuple):
    """How many processes, and how many threads each."""

    workers: int
    threads: int


class LoadRow(NamedTuple):
    """What one load finished.

    Attributes
    ----------
    load : Load
    n_scans : int
    wall_s : float
        From start to end, with loading PyTorch and the model once in each process.
    scan_s : float
        Median of what a scan took inside its process.
    processor_s : float or None
        For each scan, everything counted; None where the system does not report it.
    worker_bytes : int or None
        Largest memory of one process; None where the system does not report it.
    all_bytes : int or None
        Largest memory of all processes at one time, shared parts counted once.
    """

    load: Load
    n_scans: int
    wall_s: float
    scan_s: float
    processor_s: float | None
    worker_bytes: int | None
    all_bytes: int | None

    @property
    def scans_an_hour(self) -> float:
        """Of the whole run, its start included."""
        return self.n_scans * _HOUR_S / self.wall_s

    @property
    def steady_scans_an_hour(self) -> float:
        """In a cohort so long that its start does not count."""
        return self.load.workers * _HOUR_S / self.scan_s


def measure_throughput(
    scan: Path,
    model: str,
    loads: Sequence[Load],
    *,
    scans_each: int = 3,
    keep: float = 0.5,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> list[LoadRow]:
    """Segment copies of one scan as a cohort, once with each load.

    Parameters
    ----------
    scan : Path
        A NIfTI or MGH file.
    model : str
        Name or file.
    loads : sequence of Load
    scans_each : int
        How many scans each process gets.
    keep : float
        The keep ratio.
    progress : callable
        Is told how many loads are done, and how many there are.

    Raises
    ------
    InputError
        When the scan is not such a file, or a run fails.
    """
    if not scan.is_file() or not scan.name.lower().endswith(READABLE):
        raise InputError(f"{scan} is not a NIfTI or MGH file: throughput is measured with copies of one.")
    rows = []
    for number, load in enumerate(loads, start=1):
        rows.append(_measure(scan, model, load, scans_each * load.workers, keep))
        progress(number, len(loads))
    return rows


def _measure(scan: Path, model: str, load: Load, n_scans: int, keep: float) -> LoadRow:
    with tempfile.TemporaryDirectory() as folder:
        studies, results = Path(folder) / "studies", Path(folder) / "results"
        studies.mkdir()
        for number in range(n_scans):
            _stand_in(scan.resolve(), studies / f"{number:04d}-{scan.name}")
        memory = TreeMemory()
        start = "from napari_scd.cli import main; main()"
        workers, threads = map(str, load)
        command = [
            sys.executable, "-c", start, "segment", str(studies), "-o", str(results), "--model", model,
            "--workers", workers, "--threads", threads, "--keep-ratio", f"{keep:g}",
        ]  # fmt: skip
        cost = cost_of(command, memory)
        reports = [json.loads(path.read_text(encoding="utf-8")) for path in results.glob("*.json")]
    return LoadRow(
        load,
        n_scans,
        cost.wall_s,
        median(float(report["seconds"]["total"]) for report in reports),
        None if cost.processor_s is None else cost.processor_s / n_scans,
        memory.largest_bytes,
        memory.all_bytes,
    )


def _stand_in(scan: Path, place: Path) -> None:
    """Put a scan into a folder under another name, as a link where the system has them."""
    try:
        place.symlink_to(scan)
    except OSError:
        shutil.copyfile(scan, place)
