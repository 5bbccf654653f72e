"""The demo: files, figure, table, and what happens without nilearn or a display."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np
import pytest

from napari_scd.cli.run import demo as work
from napari_scd.cli.run import show as showing
from napari_scd.volume import Volume

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]

FILES = {
    "icbm152-t1.nii.gz",
    "icbm152-t1-labels.nii.gz",
    "icbm152-t1-tokens.nii.gz",
    "icbm152-t1-score.nii.gz",
    "report.json",
    "scd-demo.png",
}


def test_demo_writes_everything(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("nilearn")
    code, out, err = run("demo", "-m", "clicky", "--no-view")
    folder = tmp_path / "scd-demo"
    assert (code, err) == (0, "")
    assert {path.name for path in folder.iterdir()} == FILES
    assert (folder / "scd-demo.png").read_bytes().startswith(b"\x89PNG")
    labels, scan = nib.load(folder / "icbm152-t1-labels.nii.gz"), nib.load(folder / "icbm152-t1.nii.gz")
    assert labels.shape == scan.shape
    assert np.array_equal(labels.affine, scan.affine)
    report = json.loads((folder / "report.json").read_text())
    assert report["points_ras_mm"] == [[-26, -20, -16], [26, -20, -16]]
    assert all(word in out for word in ("left", "right", "hippocampus", "scd-demo.png"))


def test_a_model_of_whole_scans_needs_no_points(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    array = np.random.default_rng(0).normal(100, 20, (20, 24, 18)).astype(np.float32)
    monkeypatch.setattr(work, "load_icbm152", lambda: Volume(array, np.eye(4)))
    code, out, err = run("demo", "-m", "whole", "--no-view", "--json")
    said = json.loads(out)
    assert (code, err) == (0, "")
    assert said["points_ras_mm"] == []
    assert said["n_windows"] == 8
    assert (tmp_path / "scd-demo" / "scd-demo.png").exists()


def test_demo_elsewhere_as_json(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("nilearn")
    code, out, _ = run("demo", "-m", "clicky", "-o", "here/there", "--no-view", "--json")
    said = json.loads(out)
    assert code == 0
    assert said["volumes_by_side_ml"]["anterior"]["left"] > 0
    assert (tmp_path / "here" / "there" / "scd-demo.png").exists()


def test_demo_without_nilearn_says_how_to_get_it(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "nilearn.datasets", None)
    code, _, err = run("demo", "-m", "clicky", "--no-view")
    assert code == 2
    assert "pip install" in err
    assert not (tmp_path / "scd-demo").exists()


def test_demo_into_a_file_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    assert run("demo", "-m", "clicky", "-o", "taken", "--no-view")[0] == 2


def test_without_a_display_a_sentence_says_how_to_look(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(showing, "has_display", lambda: False)
    showing.show_in_napari([tmp_path / "a.nii"], tmp_path / "log")
    assert "python -m napari_scd" in capsys.readouterr().out


@pytest.mark.parametrize(("program", "says"), [("raise SystemExit(3)", "could not be opened"), ("", "")])
def test_napari_that_does_not_start_is_told(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    program: str,
    says: str,
) -> None:
    fake = tmp_path / "python"
    fake.write_text(f"#!{sys.executable}\n{program}\n")
    fake.chmod(0o755)
    monkeypatch.setattr(showing, "has_display", lambda: True)
    monkeypatch.setattr(showing.sys, "executable", str(fake))
    showing.show_in_napari([tmp_path / "a.nii"], tmp_path / "log")
    assert says in capsys.readouterr().err
