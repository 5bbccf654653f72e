"""One scan beside busy loops: who runs, with which threads and variables, and what is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from napari_scd.benchmarks import BusyRow, busy, busy_grid, measure_busy
from napari_scd.benchmarks.busy import ONE, TWO, VARIANTS
from napari_scd.benchmarks.whole_process import ProcessCost, cost_of
from napari_scd.cli import main
from napari_scd.volume import write_volume

from ..robustness.tiny import save_tiny, scan


def test_a_process_gets_the_variables_it_is_given() -> None:
    say = "import os, sys; sys.exit(os.environ.get('SCD_SAYS') != 'yes')"
    cost_of([sys.executable, "-c", say], environment={**os.environ, "SCD_SAYS": "yes"})


def test_every_variant_runs_beside_every_number_of_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    running: list[subprocess.Popen[bytes]] = []
    seen: list[tuple[int, tuple[str, ...], dict[str, str]]] = []
    real = subprocess.Popen

    def start(command: list[str]) -> subprocess.Popen[bytes]:
        running.append(real([sys.executable, "-c", "input()"], stdin=subprocess.PIPE))
        assert command[-1] == "while True: pass"
        return running[-1]

    def cost(command: list[str], *, environment: dict[str, str]) -> ProcessCost:
        threads = tuple(command[command.index("--threads") :]) if "--threads" in command else ()
        waiting = {name: environment[name] for name in busy.WAITING if name in environment}
        alive = sum(one.poll() is None for one in running)
        seen.append((alive, threads, waiting))
        report = {"seconds": {"total": 2.0}}
        Path(command[command.index("--report") + 1]).write_text(json.dumps(report), encoding="utf-8")
        return ProcessCost(4.0 if threads == ("--threads", "2") else 6.0, 3.0, None)

    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")  # of whoever measures: not passed on
    monkeypatch.setattr(busy.subprocess, "Popen", start)
    monkeypatch.setattr(busy, "cost_of", cost)
    rows = measure_busy(Path("scan.nii.gz"), "model", (0, 2), rounds=2)
    assert len(rows) == 2 * len(VARIANTS) and len(seen) == 2 * 2 * len(VARIANTS)
    assert all(one.poll() is not None for one in running) and len(running) == 2
    assert {alive for alive, _, _ in seen} == {0, 2}
    assert {(row.variant, row.ratio) for row in rows if row.loops == 2} >= {(ONE.name, 1.5), (TWO.name, 1.0)}
    for variant in VARIANTS:
        threads = () if variant.threads is None else ("--threads", str(variant.threads))
        assert (2, threads, variant.variables) in seen


def test_rows_become_a_table() -> None:
    head, line = busy_grid([BusyRow("1 thread", 2, 6.0, 2.0, None, 1.5)])
    assert dict(zip(head, line, strict=True))["against the better"] == "1.50"


def test_one_scan_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        busy.measure_busy, "__kwdefaults__", {**measure_busy.__kwdefaults__, "variants": (ONE, TWO)}
    )
    model = save_tiny(tmp_path / "tiny.safetensors", spacing_mm=4.0)
    write_volume(tmp_path / "scan.nii.gz", scan())
    words = ["benchmark", "busy", tmp_path / "scan.nii.gz", "-m", model, "-o", tmp_path / "out"]
    with pytest.raises(SystemExit) as left:
        main([*map(str, words), "--loops", "1", "--json"])
    assert not left.value.code
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["variant"] for row in rows] == [ONE.name, TWO.name]
    assert all(row["wall_s"] > row["work_s"] > 0 and row["loops"] == 1 for row in rows)
    assert (tmp_path / "out" / "busy.md").read_text().startswith("| run | busy loops |")


def test_what_cannot_be_measured_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, sentence in (
        (["missing.nii.gz"], "'missing.nii.gz' does not exist"),
        ([str(tmp_path), "--loops", "-1"], "--loops got '-1': give whole numbers from 0"),
        ([str(tmp_path), "-k", "0.5,0.4"], "--keep-ratio takes one number here"),
    ):
        with pytest.raises(SystemExit) as left:
            main(["benchmark", "busy", *words])
        assert left.value.code == 2 and sentence in " ".join(capsys.readouterr().err.split())
