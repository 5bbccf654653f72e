from __future__ import annotations

import csv
import json
import multiprocessing
import os
import signal
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_scd.errors import InputError
from napari_scd.volume import paste, read_label_table, read_labels, read_volume, write_labels

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Run = "Callable[..., tuple[int, str, str]]"


@pytest.fixture
def tree(tmp_path: Path, scan: Callable[..., Path]) -> Path:
    """Two NIfTI scans, an MR series as DICOM, and what must not be segmented."""
    pytest.importorskip("pydicom")
    from ..dicom_writer import Spec, write_series

    top = tmp_path / "studies"
    for name in ("p1/t1.nii.gz", "p2/t1.nii.gz"):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        scan("moving.nii.gz", seed=len(name)).rename(top / name)
    values = np.random.default_rng(1).integers(0, 900, (12, 18, 16))
    mr = Spec(values, modality="MR", intercept=0.0, description="T1", spacing_mm=(1.0, 1.0))
    write_series(top / "p3" / "mr", mr)
    write_series(top / "p3" / "mr", replace(mr, array=values[:1], number=1, description="Scout"))
    write_series(top / "p3" / "ct", replace(mr, modality="CT", number=8))
    write_labels(top / "p1" / "old.nii.gz", read_labels_like(top / "p1" / "t1.nii.gz"))
    (top / "p4").mkdir()
    (top / "p4" / "broken.nii.gz").write_bytes(b"no scan")
    return top


def read_labels_like(path: Path) -> Any:
    volume = read_volume(path)
    return volume.with_array(np.zeros(volume.spatial_shape, np.uint8))


def table_of(out: Path) -> dict[str, dict[str, str]]:
    with (out / "summary.csv").open(encoding="utf-8", newline="") as file:
        return {row["case"]: row for row in csv.DictReader(file)}


def test_a_tree_is_segmented_and_summed_up(run: Any, tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    report = tmp_path / "all.json"
    words = ("segment", tree, "-o", out, "--model", "whole", "--threads", 1, "--report", report)
    code, said, complained = run(*words)
    assert code == 2 and "broken.nii.gz" not in said
    assert "Skipped p1/old: a label map" in complained
    reported = json.loads(report.read_text(encoding="utf-8"))["cases"]
    assert [one["status"] for one in reported].count("skipped") == 3
    (broken,) = [one for one in reported if one["status"] == "failed"]
    assert "broken.nii.gz" in broken["error"]
    rows = table_of(out)
    assert {name: row["status"] for name, row in rows.items()} == {
        "p1/old": "skipped", "p1/t1": "done", "p2/t1": "done", "p3/ct/series-8": "skipped",
        "p3/mr/series-1": "skipped", "p3/mr/series-4": "done", "p4/broken": "failed",
    }  # fmt: skip
    assert (
        "a label map" in rows["p1/old"]["notes"] and "the model takes MR" in rows["p3/ct/series-8"]["notes"]
    )
    assert "1 image only" in rows["p3/mr/series-1"]["notes"] and "broken.nii.gz" in rows["p4/broken"]["notes"]
    assert float(rows["p1/t1"]["anterior ml"]) == pytest.approx(20 * 24 * 18 / 1000)
    assert read_labels(out / "p3" / "mr" / "series-4.nii.gz").same_grid(
        read_volume(tree / "p3" / "mr", series="4")
    )
    assert "7 scans: 3 done, 1 failed, 3 skipped." in said and "summary.csv" in said


def test_the_same_command_does_nothing_twice(run: Any, tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ("segment", tree, "-o", out, "--model", "whole", "--threads", 1)
    run(*words)
    labels = out / "p1" / "t1.nii.gz"
    when = labels.stat().st_mtime_ns
    half = out / "p2" / ".0123456789ab.t1.nii.gz"
    half.write_bytes(b"half")
    (out / "p2" / "t1.json").unlink()
    _, said, _ = run(*words)
    assert "2 of 7 were finished before." in said and labels.stat().st_mtime_ns == when
    assert (out / "p2" / "t1.json").exists() and not half.exists()
    assert table_of(out)["p1/t1"]["status"] == "done" and table_of(out)["p1/t1"]["anterior ml"]


@pytest.mark.parametrize("change", ["keep", "scan", "redo"])
def test_what_has_changed_is_done_again(run: Any, tree: Path, tmp_path: Path, change: str) -> None:
    out, words = tmp_path / "out", ["--model", "whole", "--threads", 1]
    run("segment", tree / "p1", "-o", out, *words)
    labels = out / "t1.nii.gz"
    when = labels.stat().st_mtime_ns
    if change == "scan":
        os.utime(tree / "p1" / "t1.nii.gz", ns=(1, 1))
    more = {"keep": ["--keep-ratio", 0.5], "scan": [], "redo": ["--redo"]}[change]
    run("segment", tree / "p1", "-o", out, *words, *more)
    assert labels.stat().st_mtime_ns != when


def test_reports_in_one_file_and_statistics_of_finished_scans_too(
    run: Any, tree: Path, tmp_path: Path
) -> None:
    words = ("segment", tree / "p1", "-o", "out", "--model", "whole", "--threads", 1)
    assert run(*words, "--report", "all.json", "--statistics", "s.csv")[0] == 0
    cases = json.loads((tmp_path / "all.json").read_text())["cases"]
    (report,) = [one for one in cases if one["status"] == "done"]
    assert report["status"] == "done" and report["statistics"][0]["structure"] == "anterior"
    first = (tmp_path / "s.csv").read_text()
    assert first.splitlines()[1].startswith("t1,anterior,1,8.64,")
    when = (tmp_path / "out" / "t1.nii.gz").stat().st_mtime_ns
    (tmp_path / "s.csv").unlink()
    _, said, _ = run(*words, "--report", "all.json", "--statistics", "s.csv")
    assert "1 of 2 were finished before." in said
    assert (tmp_path / "s.csv").read_text() == first
    assert json.loads((tmp_path / "all.json").read_text())["cases"][0]["status"] == "done"
    run(*words)  # what was measured besides is still there, so nothing is computed again
    assert (tmp_path / "out" / "t1.nii.gz").stat().st_mtime_ns == when
    run(*words, "--surfaces", "meshes")  # this was not asked for before
    assert (tmp_path / "out" / "t1.nii.gz").stat().st_mtime_ns != when
    assert [path.name for path in (tmp_path / "meshes").iterdir()] == ["t1_anterior.stl"]


def test_reports_in_a_folder_of_their_own(run: Any, tree: Path, tmp_path: Path) -> None:
    words = ("segment", tree / "p1", "-o", "out", "--model", "whole", "--threads", 1, "--report", "reports")
    assert run(*words)[0] == 0
    assert [path.name for path in (tmp_path / "reports").iterdir()] == ["t1.json"]
    assert "1 of 2 were finished before." in run(*words)[1]


def test_a_summary_that_is_in_use_does_not_stop_the_scans(
    run: Any, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from napari_scd.cli.run import cohort

    write = cohort.write_summary_table
    calls: list[int] = []

    def fail_after_the_first(*words: object) -> object:
        calls.append(1)
        if len(calls) > 1:
            raise InputError("summary.csv is in use by another program: close it.")
        return write(*words)

    monkeypatch.setattr(cohort, "write_summary_table", fail_after_the_first)
    code, _, complained = run("segment", tree, "-o", "out", "--model", "whole", "--threads", 1)
    assert code == 2
    assert complained.count("is in use by another program") == 1
    assert (tmp_path / "out" / "p1" / "t1.nii.gz").exists()
    assert (tmp_path / "out" / "p2" / "t1.nii.gz").exists()


def test_dicom_in_dicom_out(run: Any, tree: Path, tmp_path: Path) -> None:
    pytest.importorskip("highdicom")
    out = tmp_path / "out"
    code, *_ = run("segment", tree / "p3", "-o", out, "--model", "whole", "--dicom-seg", "--threads", 1)
    assert code == 0
    written = out / "mr" / "series-4.dcm"
    scan = read_volume(tree / "p3" / "mr", series="4")
    assert (paste(read_labels(written), scan).array == 1).all()
    table = read_label_table(written)
    assert table is not None and table.names == ("anterior",)


def test_one_series_to_one_file(run: Any, tree: Path, tmp_path: Path) -> None:
    pytest.importorskip("highdicom")
    code, _, said = run("segment", tree / "p3", "-o", "one.nii.gz", "--model", "whole")
    assert code == 2 and "Choose one with --series" in said
    words = ("--series", "4", "--model", "whole", "--threads", 1)
    assert run("segment", tree / "p3", "-o", "one.nii.gz", *words)[0] == 0
    assert run("segment", tree / "p3", "-o", "one.dcm", *words)[0] == 0
    scan = read_volume(tree / "p3", series="4")
    assert read_labels(tmp_path / "one.nii.gz").same_grid(scan)
    assert paste(read_labels(tmp_path / "one.dcm"), scan).array.all()


def test_a_slice_is_never_written_over(run: Any, tree: Path) -> None:
    slices = tree / "p3" / "mr"
    (slices / "IM040001").rename(slices / "slice.dcm")
    code, _, said = run("segment", slices, "-o", slices / "slice.dcm", "--series", "4", "--model", "whole")
    assert code == 2 and "would overwrite an input" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--series", "4"), "--series chooses one series"),
        (("--statistics", "s.txt"), "must be a .csv file"),
        (("--workers", "2", "--scheduler", "tcp://HOST:1"), "Use either --scheduler or --workers"),
        (("--model", "nothing"), "There is no model 'nothing'"),
    ],
)
def test_what_does_not_go_together_is_told(run: Any, tree: Path, words: tuple[str, ...], said: str) -> None:
    code, _, complained = run("segment", tree, "-o", "out", "--model", "whole", *words)
    assert code == 2 and said in complained


def test_a_folder_without_scans_is_told(run: Any, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    code, _, said = run("segment", "empty", "-o", "out", "--model", "whole")
    assert code == 2 and "There is no scan below empty" in said


def many_scans(scan: Callable[..., Path], tmp_path: Path, number: int) -> Path:
    for at in range(number):
        (tmp_path / "studies" / f"p{at}").mkdir(parents=True)
        scan("moving.nii.gz", shape=(24, 30, 24), seed=at).rename(
            tmp_path / "studies" / f"p{at}" / "t1.nii.gz"
        )
    return tmp_path / "studies"


def assert_same_results(one: Path, other: Path) -> None:
    rows, others = table_of(one), table_of(other)
    assert list(rows) == list(others)
    for name, row in rows.items():
        assert {**row, "seconds": ""} == {**others[name], "seconds": ""}
        labels, further = (read_labels(folder / f"{name}.nii.gz") for folder in (one, other))
        np.testing.assert_array_equal(labels.array, further.array)
    assert not [path for path in other.rglob(".*")]


def test_processes_of_this_machine_survive_one_that_is_killed(
    run: Any, scan: Callable[..., Path], tmp_path: Path
) -> None:
    words = ("segment", many_scans(scan, tmp_path, 4), "--model", "whole", "--threads", 1)
    assert run(*words, "-o", "serial")[0] == 0
    killed: list[int] = []

    def kill_one() -> None:
        until = time.monotonic() + 100
        while time.monotonic() < until and not list((tmp_path / "parallel").rglob("*.json")):
            time.sleep(0.01)
        child = multiprocessing.active_children()[0]
        child.kill()
        killed.append(child.pid or 0)

    assassin = threading.Thread(target=kill_one)
    assassin.start()
    code, said, complained = run(*words, "-o", "parallel", "--workers", 2)
    assassin.join()
    assert killed and code == 0 and "4 scans: 4 done, 0 failed" in said, complained
    assert_same_results(tmp_path / "serial", tmp_path / "parallel")
    until = time.monotonic() + 60  # on a busy machine a process takes a while to end
    while multiprocessing.active_children() and time.monotonic() < until:
        time.sleep(0.05)
    assert not multiprocessing.active_children()


def test_a_cluster_survives_a_killed_worker(
    run: Any, scan: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distributed = pytest.importorskip("distributed")
    studies = many_scans(scan, tmp_path, 6)
    words = ("segment", studies, "--model", "whole", "--precision", "float32", "--threads", 1)
    assert run(*words, "-o", "serial")[0] == 0
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
    ) as cluster:
        killed: list[int] = []

        def kill_one() -> None:
            until = time.monotonic() + 100
            while time.monotonic() < until and not list((tmp_path / "cluster").rglob("*.json")):
                time.sleep(0.01)
            pid = next(iter(cluster.workers.values())).pid
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)

        assassin = threading.Thread(target=kill_one)
        assassin.start()
        code, said, complained = run(*words, "-o", "cluster", "--scheduler", cluster.scheduler_address)
        assassin.join()
    assert killed and code == 0 and "6 scans: 6 done, 0 failed" in said, complained
    assert_same_results(tmp_path / "serial", tmp_path / "cluster")
