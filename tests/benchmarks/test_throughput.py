"""Cohorts with several numbers of processes: what they finish, and what memory each process takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from napari_scd.benchmarks import Load, LoadRow, measure_throughput, throughput_grid
from napari_scd.benchmarks.process_tree import TreeMemory
from napari_scd.cli import main
from napari_scd.errors import InputError
from napari_scd.volume import write_volume

from ..robustness.tiny import save_tiny, scan

if TYPE_CHECKING:
    from pathlib import Path

_MIB = 2**20
_PARENT = """
import subprocess, sys
code = "x = bytearray(100 * 2**20); x[::4096] = b'1' * len(x[::4096]); print(1, flush=True); input()"
children = [subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1) for _ in range(2)]
for child in children:
    child.stdout.readline()
print("there", flush=True)
input()
"""


def test_rates_count_the_start_or_do_not() -> None:
    row = LoadRow(Load(2, 1), 6, wall_s=36.0, scan_s=8.0, processor_s=None, worker_bytes=None, all_bytes=None)
    assert row.scans_an_hour == 600.0 and row.steady_scans_an_hour == 900.0
    head, line = throughput_grid([row])
    assert dict(zip(head, line, strict=True))["scans/h later"] == "900.0"


@pytest.mark.skipif(not os.path.exists("/proc/self/smaps_rollup"), reason="only Linux tells")
def test_memory_of_children_is_seen() -> None:
    memory = TreeMemory()
    with subprocess.Popen([sys.executable, "-c", _PARENT], stdin=-1, stdout=-1) as parent:
        assert parent.stdout is not None and parent.stdin is not None
        parent.stdout.readline()
        memory.look(parent.pid)
        parent.stdin.write(b"\n")
    assert memory.largest_bytes is not None and memory.all_bytes is not None
    assert 100 * _MIB < memory.largest_bytes < 150 * _MIB
    assert memory.all_bytes > 200 * _MIB


def test_a_cohort_on_two_processes_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = save_tiny(tmp_path / "tiny.safetensors", spacing_mm=4.0)
    write_volume(tmp_path / "scan.nii.gz", scan())
    words = ["benchmark", "throughput", tmp_path / "scan.nii.gz", "-m", model, "-o", tmp_path / "out"]
    with pytest.raises(SystemExit) as left:
        main([*map(str, words), "--workers", "2", "--scans", "1", "--json"])
    assert not left.value.code
    (load,) = json.loads(capsys.readouterr().out)["loads"]
    assert load["load"] == {"workers": 2, "threads": 1} and load["n_scans"] == 2
    assert load["wall_s"] > load["scan_s"] > 0
    assert (tmp_path / "out" / "throughput.md").read_text().startswith("| processes | threads |")


def test_what_cannot_be_measured_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match="is not a NIfTI or MGH file"):
        measure_throughput(tmp_path, "abdomen-ct", [Load(1, 1)])
    with pytest.raises(SystemExit) as left:
        main(["benchmark", "throughput", "scan.nii.gz", "--workers", "none"])
    assert left.value.code == 2 and "--workers got 'none'" in capsys.readouterr().err
