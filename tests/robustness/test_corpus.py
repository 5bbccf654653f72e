"""Every input of the corpus gets one sentence and exit code 2, or is used; nothing else happens."""

from __future__ import annotations

import re
import shutil
import sys
from typing import TYPE_CHECKING, Any

import nibabel as nib
import pytest

from napari_scd.viewer.state import State
from napari_scd.volume import open_image

from .by_hand import dock_for
from .corpus import layers, models, scans, settings, training

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .corpus.entry import Entry

    Run = Callable[..., tuple[int, str, str]]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links, pipes and long names of POSIX")


def each(*entries: Entry) -> Any:
    return pytest.mark.parametrize("entry", entries, ids=lambda entry: entry.name.replace(" ", "-")[:60])


def state_of(folder: Path) -> dict[str, Any]:
    """Every file below a folder with its contents; links and pipes by their kind."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else path.is_symlink()
        for path in folder.rglob("*")
        if not path.is_dir()
    }


def check_refusal(entry: Entry, outcome: tuple[int, str, str]) -> None:
    code, out, err = outcome
    assert code == 2, outcome
    assert out == ""
    assert err.startswith("Error: ") and err.endswith(".\n") and err.count("\n") == 1, err
    assert "Traceback" not in err and len(err) < 1000
    assert re.search(entry.says, err), err


@each(*scans.REFUSED)
def test_scans_that_are_refused(entry: Entry, run: Run, stock: Path, tmp_path: Path) -> None:
    path = entry.make(tmp_path)
    before = state_of(tmp_path)
    check_refusal(
        entry, run("segment", path, "-o", tmp_path / "out.nii.gz", "-m", stock / "good.safetensors")
    )
    assert state_of(tmp_path) == before


@each(*scans.ACCEPTED)
def test_odd_scans_that_are_used(entry: Entry, run: Run, stock: Path, tmp_path: Path) -> None:
    path = entry.make(tmp_path)
    out = tmp_path / "results" / "out.nii.gz"
    code, _, err = run("segment", path, "-o", out, "-m", stock / "good.safetensors")
    assert code == 0, err
    assert (re.search(entry.says, err) and err.count("\n") == 1) if entry.says else err == ""
    assert [file.name for file in out.parent.iterdir()] == ["out.nii.gz"]
    written, source = nib.load(out), open_image(path)
    assert written.shape == source.shape[:3]
    if not isinstance(source, nib.analyze.AnalyzeImage) or isinstance(source, nib.Nifti1Image):
        affine = source.affine if source.affine[:3].any() else source.get_qform()
        assert abs(written.affine - affine).max() < 1e-3


@each(*models.ENTRIES)
def test_model_files_of_strangers(entry: Entry, run: Run, stock: Path, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    shutil.copyfile(stock / "good.safetensors", folder / "good.safetensors")
    model = entry.make(folder)
    before = state_of(tmp_path)
    for words in (
        ("models", "info", model),
        ("segment", stock / "scan.nii.gz", "-o", folder / "out.nii", "-m", model),
    ):
        if entry.accepted:
            code, _, err = run(*words)
            assert (code, err) == (0, "")
            continue
        if words[0] == "models" and run(*words)[0] == 0:
            continue  # the card alone is sound
        check_refusal(entry, run(*words))
        assert state_of(tmp_path) == before
    assert not (folder / "ran").exists(), "code of a file was run"


@each(*settings.ENTRIES)
def test_settings_out_of_range(
    entry: Entry, run: Run, stock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copyfile(stock / "scan.nii.gz", "scan.nii.gz")
    (tmp_path / "loop.nii.gz").symlink_to("loop.nii.gz")
    (tmp_path / "full.nii.gz").symlink_to("/dev/full")
    before = state_of(tmp_path)
    scan = () if entry.make[0] == "--channel" else ("scan.nii.gz",)
    check_refusal(
        entry, run("segment", *scan, "-o", "out.nii.gz", "-m", stock / "good.safetensors", *entry.make)
    )
    assert state_of(tmp_path) == before


@each(*training.ENTRIES)
def test_training_files_and_data_lists(entry: Entry, run: Run, stock: Path, tmp_path: Path) -> None:
    folder, out = tmp_path / "cases", tmp_path / "run"
    shutil.copytree(stock / "cases", folder)
    file = entry.make(folder)
    before = state_of(tmp_path)
    check_refusal(entry, run("train", file, "-o", out, "--device", "cpu", "--max-minutes", "0"))
    assert state_of(tmp_path) == before
    assert not (tmp_path / "ran").exists()


@each(*layers.ENTRIES)
def test_layers_of_every_kind(entry: Entry, stock: Path, tmp_path: Path) -> None:
    components = pytest.importorskip("napari.components")
    viewer = components.ViewerModel()
    layer = entry.make(viewer, tmp_path)
    _, control, queue = dock_for(viewer, layer, stock / "good.safetensors")
    if not entry.accepted:
        control.segment()
        queue.run_all()
        assert control.status.state in (State.BAD_INPUT, State.ERROR)
        assert re.search(entry.says, control.status.sentence), control.status
        assert "\n" not in control.status.sentence and len(viewer.layers) == 1
        return
    warnings = " ".join(text for _, text in control.status.warnings)
    assert re.search(entry.says, warnings), warnings
    control.segment()
    queue.run_all()
    assert control.status.state is State.DONE, control.status
    control.accept()
    control.export(tmp_path / "out.nii.gz")
    queue.run_all()
    assert re.search(r"Saved out(_frame\d+)?\.nii\.gz", control.status.sentence), control.status
    (saved,) = (
        path for path in (tmp_path / "out.nii.gz", *tmp_path.glob("out_frame?.nii.gz")) if path.exists()
    )
    assert nib.load(saved).shape == layer_shape(layer)


def layer_shape(layer: Any) -> tuple[int, ...]:
    data = layer.data[0] if layer.multiscale else layer.data
    return tuple(data.shape[-3:])[::-1]
