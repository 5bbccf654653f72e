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

SIZES = ("96x96x96", "192x192x150", "256x256x300", "384x384x400", "512x512x300", "512x512x600")
SPACING_MM = (0.98, 0.98, 1.25)
PLOT = Path(__file__).parents[1] / "images" / "scaling.png"

_CASE = """
import json, sys, time
from pathlib import Path
import torch
torch.set_num_threads(1)
from napari_scd import Request, Session, load, read_volume, write_labels
from napari_scd.model import ScdNetwork
def timed(step):
    def run(*arguments, **named):
        began = time.process_time()
        result = step(*arguments, **named)
        network.append(time.process_time() - began)
        return result
    return run
network = []
for step in ("prefix", "rest", "sharpen"):
    setattr(ScdNetwork, step, timed(getattr(ScdNetwork, step)))
model, scan, labels = sys.argv[1:]
start = time.process_time()
session = Session(*load(model), cache_bytes=0)  # as the command line does
volume = read_volume(scan)
session.set_volume(volume)
result = session.segment(Request(keep=0.5))
write_labels(labels, result.labels, like=volume)
seconds = time.process_time() - start
status = Path("/proc/self/status").read_text()
peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
report = result.report
print(json.dumps(dict(seconds=seconds, peak_mib=peak / 1024, n_windows=report.n_windows,
    n_blank=report.n_windows_blank, in_network=sum(network) / seconds)))
"""


def write_scan(path: Path, size: tuple[int, int, int]) -> None:
    """Write a CT plane by plane: the same small body, up to its head, in the middle of a field of any size.

    A cylinder of soft tissue with lungs and a spine, all with noise; the upper fifth of the field is air. At
    512 x 512 the field is 50 cm wide, so windows in its corners and above the body hold nothing but air.
    """
    x, y, z = size
    header = nib.Nifti1Header()
    header.set_data_dtype(np.int16)
    header.set_data_shape(size)
    header.set_sform(np.diag([*SPACING_MM, 1.0]), 1)
    header["vox_offset"] = 352
    header["magic"] = b"n+1"
    across, along = ((np.arange(n) - (n - 1) / 2) * mm for n, mm in zip((x, y), SPACING_MM, strict=False))
    across, along = across[None], along[:, None]
    random = np.random.default_rng(0)
    with path.open("wb") as file:
        file.write(header.binaryblock + b"\0" * 4)
        for plane in range(z):
            values = np.full((y, x), -1000.0)
            if plane < 0.8 * z:
                values[(across / 95) ** 2 + (along / 65) ** 2 < 1] = 40
                values[across**2 + (along + 40) ** 2 < 15**2] = 400
            if 0.5 * z < plane < 0.75 * z:
                values[((abs(across) - 45) / 35) ** 2 + (along / 45) ** 2 < 1] = -800
            values += random.normal(0, 20, (y, x))
            file.write(values.astype("<i2").tobytes())


def measure(size: str, model: str = "abdomen-ct") -> dict[str, float]:
    """Segment a scan of one size in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        scan = Path(folder) / "scan.nii"
        write_scan(scan, tuple(int(n) for n in size.split("x")))
        command = [sys.executable, "-c", _CASE, model, str(scan), str(Path(folder) / "labels.nii")]
        answer = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(answer.stdout.splitlines()[-1])


def draw(rows: dict[str, dict[str, float]]) -> None:
    """Plot seconds, memory and the network's share over voxels."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    voxels = [np.prod([int(n) for n in size.split("x")]) / 1e6 for size in rows]
    figure, panels = pyplot.subplots(1, 3, figsize=(10, 3), layout="constrained")
    seconds, memory, share = panels
    seconds.plot(voxels, [row["seconds"] for row in rows.values()], "o-", color="#2b6cb0")
    seconds.set(yscale="log", ylim=(0.5, 20), title="processor seconds, one thread")
    seconds.set_yticks((0.5, 1, 2, 5, 10, 20), ("0.5", "1", "2", "5", "10", "20"), minor=False)
    seconds.tick_params(which="minor", left=False)
    memory.plot(voxels, [row["peak_mib"] / 1024 for row in rows.values()], "o-", color="#d62728")
    memory.axhline(2.5, color="grey", linewidth=1, linestyle="--")
    memory.text(voxels[0], 2.54, "goal", color="grey", fontsize=8, va="bottom")
    memory.set(ylim=(0, 2.9), title="peak memory, GiB")
    share.plot(
        voxels, [100 * row["in_network"] for row in rows.values()], "o-", color="#2f855a", label="network"
    )
    blank = [100 * row["n_blank"] / row["n_windows"] for row in rows.values()]
    share.plot(voxels, blank, "s--", color="#975a16", label="windows of air")
    share.set(ylim=(0, 100), title="share, %")
    share.legend(frameon=False, fontsize=8)
    for axes in panels:
        axes.set(xscale="log", xlabel="million voxels")
        axes.grid(alpha=0.3)
    figure.savefig(PLOT, dpi=90)


def main(sizes: tuple[str, ...]) -> None:
    """Measure, print the table, draw."""
    rows = {}
    print("| voxels | million | windows | of air | processor s | in the network | peak memory, MiB |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for size in sizes:
        row = rows[size] = measure(size)
        million = np.prod([int(n) for n in size.split("x")]) / 1e6
        cells = [size.replace("x", " x "), f"{million:.1f}", f"{row['n_windows']}", f"{row['n_blank']}"]
        cells += [f"{row['seconds']:.1f}", f"{row['in_network']:.0%}", f"{row['peak_mib']:,.0f}"]
        print(f"| {' | '.join(cells)} |", flush=True)
    if len(rows) > 1:
        draw(rows)


if __name__ == "__main__":
    main(tuple(sys.argv[1:]) or SIZES)
