"""Seconds and memory of whole scans against their size: a table, and docs/images/scaling.png.

Run as ``python docs/figures/scaling.py [SIZE ...]`` with sizes such as 96x96x96 (x, y, z in voxels). Each
is a process of its own; its memory is the highest the system saw, with Python, PyTorch and the scan in it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import nibabel as nib
import numpy as np

SIZES = ("96x96x96", "192x192x150", "256x256x300", "512x512x300", "512x512x600")
SPACING_MM = (0.7, 0.7, 1.0)
PLOT = Path(__file__).parents[1] / "images" / "scaling.png"

_CASE = """
import json, sys, time
from pathlib import Path
import torch
torch.set_num_threads(1)
from napari_scd import Request, Session, load, read_volume, write_labels
model, scan, labels = sys.argv[1:]
wall, start = time.perf_counter(), time.process_time()
session = Session(*load(model))
volume = read_volume(scan)
session.set_volume(volume)
result = session.segment(Request(keep=0.5))
write_labels(labels, result.labels, like=volume)
seconds, wall = time.process_time() - start, time.perf_counter() - wall
status = Path("/proc/self/status").read_text()
peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
report = result.report
shares = [report.seconds.prefix + report.seconds.rest, report.seconds.other]
print(json.dumps(dict(seconds=seconds, wall=wall, peak_mib=peak / 1024, n_windows=report.n_windows,
    n_blank=report.n_windows_blank, in_network=shares[0] / report.seconds.total, precision=report.precision)))
"""


def write_scan(path: Path, size: tuple[int, int, int]) -> None:
    """Write a CT of a body in air, plane by plane: an elliptic cylinder of soft tissue with noise."""
    x, y, z = size
    header = nib.Nifti1Header()
    header.set_data_dtype(np.int16)
    header.set_data_shape(size)
    header.set_sform(np.diag([*SPACING_MM, 1.0]), 1)
    header["vox_offset"] = 352
    header["magic"] = b"n+1"
    across = ((np.arange(x) - x / 2) / (0.42 * x)) ** 2
    along = ((np.arange(y) - y / 2) / (0.32 * y)) ** 2
    body = across[None] + along[:, None] < 1
    random = np.random.default_rng(0)
    with path.open("wb") as file:
        file.write(header.binaryblock + b"\0" * 4)
        for _ in range(z):
            tissue = random.normal(40, 20, (y, x))
            file.write(np.where(body, tissue, -1000).astype("<i2").tobytes())


def measure(size: str, model: str = "abdomen-ct") -> dict[str, float]:
    """Segment a scan of one size in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        scan = Path(folder) / "scan.nii"
        write_scan(scan, tuple(int(n) for n in size.split("x")))
        command = [sys.executable, "-c", _CASE, model, str(scan), str(Path(folder) / "labels.nii")]
        answer = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(answer.stdout.splitlines()[-1])


def draw(rows: dict[str, dict[str, float]]) -> None:
    """Plot seconds and memory over voxels."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    voxels = [np.prod([int(n) for n in size.split("x")]) / 1e6 for size in rows]
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(8, 3), layout="constrained")
    left.plot(voxels, [row["seconds"] for row in rows.values()], "o-", color="#2b6cb0")
    left.set(xscale="log", yscale="log", xlabel="million voxels", ylabel="processor seconds")
    right.plot(voxels, [row["peak_mib"] / 1024 for row in rows.values()], "o-", color="#d62728")
    right.axhline(2.5, color="grey", linewidth=1, linestyle="--")
    right.set(xscale="log", ylim=(0, 2.7), xlabel="million voxels", ylabel="peak memory, GiB")
    for axes in (left, right):
        axes.grid(alpha=0.3)
    figure.savefig(PLOT, dpi=90)


def main(sizes: tuple[str, ...]) -> None:
    """Measure, print the table, draw."""
    rows = {}
    print("| voxels | windows (air) | processor s | in the network | peak memory, MiB |")
    print("|---|---:|---:|---:|---:|")
    for size in sizes:
        row = rows[size] = measure(size)
        share = f"{row['in_network']:.0%}"
        windows = f"{row['n_windows']} ({row['n_blank']})"
        print(f"| {size} | {windows} | {row['seconds']:.1f} | {share} | {row['peak_mib']:.0f} |", flush=True)
    if len(rows) > 1:
        draw(rows)


if __name__ == "__main__":
    main(tuple(sys.argv[1:]) or SIZES)
