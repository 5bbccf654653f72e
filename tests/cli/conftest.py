"""A tiny model with random weights, made to answer one label everywhere, and small scans on disk."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np
import pytest
import torch

from napari_scd.checkpoints import Provenance, save
from napari_scd.model import build_network
from napari_scd.volume import LabelTable, Recipe

from ..tiny_network import TINY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LABELS = LabelTable.from_names(
    ["anterior", "posterior"], {"anterior": "hippocampus", "posterior": "hippocampus"}
)


def save_tiny(path: Path, *, field: str, answer: int) -> Path:
    """Write a model whose every voxel is `answer`."""
    torch.manual_seed(0)
    promptable = field == "prompt"
    network = build_network(replace(TINY, in_channels=4, out_channels=1) if promptable else TINY)
    with torch.no_grad():
        bias = [value for name, value in network.decoder.named_parameters() if name == "out.conv.conv.bias"][
            0
        ]
        bias.zero_()
        bias[answer] = 100.0
    made = Provenance(
        name=path.stem,
        title="Tiny test model",
        data="nothing",
        licence="CC0",
        metrics={"dice": {"1": 0.5, "0.5": 0.25}},
    )
    recipe, labels = Recipe("MR", field=field), LABELS
    if promptable:
        recipe = Recipe("any", normalise_over="window", activation="sigmoid", field=field)
        labels = LabelTable.from_names(["object"])
    save(path, network, recipe, labels, made)
    return path


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with tiny models.

    `whole` and `clicky` find label 1 everywhere, `blind` finds nothing, `anything` finds all there is.
    """
    folder = tmp_path_factory.mktemp("models")
    save_tiny(folder / "whole.safetensors", field="whole", answer=1)
    save_tiny(folder / "clicky.safetensors", field="click", answer=1)
    save_tiny(folder / "blind.safetensors", field="click", answer=0)
    save_tiny(folder / "anything.safetensors", field="prompt", answer=0)
    return folder


@pytest.fixture(autouse=True)
def _use_models(models: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NAPARI_SCD_MODELS", str(models))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def scan(tmp_path: Path) -> Callable[..., Path]:
    """Write a scan whose world is centred on 0 mm; LAS on disk, so its first axis is flipped."""

    def write(name: str = "scan.nii.gz", shape: tuple[int, ...] = (20, 24, 18), seed: int = 0) -> Path:
        affine = np.diag([-1.0, 1.0, 1.0, 1.0])
        affine[:3, 3] = [shape[0] / 2, -shape[1] / 2, -shape[2] / 2]
        values = np.random.default_rng(seed).normal(100, 20, shape).astype(np.float32)
        nib.save(nib.Nifti1Image(values, affine), tmp_path / name)
        return tmp_path / name

    return write


def environment(**more: str) -> dict[str, str]:
    """Environment of a child: one thread, no display."""
    kept = {key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY")}
    return {**kept, "OMP_NUM_THREADS": "1", "COLUMNS": "200", **more}


@pytest.fixture
def call(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run ``napari-scd`` as a user does, in a process of its own; `watch` names a package to ask about."""

    def run(*words: object, watch: str = "") -> subprocess.CompletedProcess[str]:
        code = "from napari_scd.cli import main\n"
        if watch:
            said = f"print('{watch}', 'loaded' if '{watch}' in sys.modules else 'not loaded')"
            code += f"import atexit, sys\natexit.register(lambda: {said})\n"
        code += "main()"
        return subprocess.run(
            [sys.executable, "-c", code, *map(str, words)],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environment(),
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run ``napari-scd`` in this process: (exit code, stdout, stderr)."""
    from napari_scd.cli import main

    def inside(*words: object) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main([str(word) for word in words])
        said = capsys.readouterr()
        return int(left.value.code or 0), said.out, said.err

    return inside
