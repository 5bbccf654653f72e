"""The command line in this process, and a folder with a scan and a model."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest
import torch

from napari_scd.volume import write_volume

from .tiny import save_tiny, scan, write_cases

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# napari's helper would take the threads that torch.set_num_threads(1) leaves out
os.environ.setdefault("NUMBA_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Good files to copy: `good.safetensors` for `scan.nii.gz`, `coarse.safetensors` for training cases."""
    folder = tmp_path_factory.mktemp("stock")
    save_tiny(folder / "good.safetensors", spacing_mm=2.0, answer=1)
    save_tiny(folder / "coarse.safetensors", spacing_mm=8.0, answer=1)
    write_volume(folder / "scan.nii.gz", scan())
    write_cases(folder / "cases")
    return folder


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, stock: Path
) -> Callable[..., tuple[int, str, str]]:
    """Run ``napari-scd`` in this process: (exit code, stdout, stderr)."""
    from napari_scd.cli import main

    monkeypatch.setenv("NAPARI_SCD_MODELS", str(stock / "models"))
    torch.set_num_threads(1)

    def inside(*words: object) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main([str(word) for word in words])
        said = capsys.readouterr()
        return int(left.value.code or 0), said.out, said.err

    return inside


@pytest.fixture
def viewer_rounds(
    make_napari_viewer_proxy: Any, qtbot: Any, stock: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[[int], list[Any]]:
    """Give ``viewer_rounds(n)``: use the dock n times in a real window and count what is left each time."""
    from qtpy.QtWidgets import QApplication

    from .long_window import Rounds

    (tmp_path / "models").mkdir()
    shutil.copyfile(stock / "good.safetensors", tmp_path / "models" / "aa-tiny.safetensors")
    monkeypatch.setenv("NAPARI_SCD_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr("napari_scd.checkpoints.zoo.WEIGHTS", tmp_path / "none")
    viewer = make_napari_viewer_proxy(show=True)

    def use(n_rounds: int) -> list[Any]:
        rounds, counts = Rounds(viewer, QApplication.processEvents), []
        for _ in range(n_rounds):
            rounds.one()
            counts.append(rounds.counts())
        return counts

    return use
