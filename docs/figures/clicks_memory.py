"""Peak memory of ten clicks on a large synthetic CT, in a process of its own.

``python docs/figures/clicks_memory.py [512x512x300] [MODEL]`` prints MiB, processor seconds and windows of
each click. All ten belong to one object that fills the body, so windows grow up to the whole scan.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from scaling import write_scan

_CASE = """
import json, sys, time
from pathlib import Path
import torch
torch.set_num_threads(1)
from napari_scd.checkpoints import load
from napari_scd.engine import Prompts, Session
from napari_scd.volume import read_volume
session = Session(*load(sys.argv[1]))
volume = read_volume(sys.argv[2])
session.set_volume(volume)
n_z, n_y, n_x = volume.spatial_shape
prompts, clicks = Prompts(), []
for number in range(10):  # up and down the body, beside the spine and into it
    place = (n_z * (8 + 7 * number) // 100, n_y // 2, n_x // 2 + (n_x // 16) * (number % 3 - 1))
    add = prompts.exclude if number % 4 == 3 else prompts.include
    prompts = add(place)
    start = time.process_time()
    answer = session.prompt(prompts)
    clicks.append((round(time.process_time() - start, 2), answer.report.prompts.n_windows[-1]))
status = Path("/proc/self/status").read_text()
peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
print(json.dumps(dict(peak_mib=round(peak / 1024), ml=answer.report.volumes_ml, clicks=clicks)))
"""


def measure(size: str, model: str) -> dict[str, object]:
    """Click ten times in a scan of a size such as "512x512x300"."""
    x, y, z = (int(n) for n in size.split("x"))
    with tempfile.TemporaryDirectory() as folder:
        scan = Path(folder) / "scan.nii"
        write_scan(scan, (x, y, z))
        command = [sys.executable, "-c", _CASE, model, str(scan)]
        answer = subprocess.run(command, check=True, capture_output=True, text=True)
    values: dict[str, object] = json.loads(answer.stdout.splitlines()[-1])
    return values


if __name__ == "__main__":
    words = [*sys.argv[1:], *("512x512x300", "any")[len(sys.argv) - 1 :]]
    print(json.dumps(measure(words[0], words[1])))
