from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
import pytest
import torch

from napari_scd.checkpoints import Provenance, save
from napari_scd.errors import InputError
from napari_scd.model import build_network
from napari_scd.volume import Recipe

from .conftest import LABELS, TINY, environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def random_model(path: Path) -> Path:
    """A tiny model whose labels differ from voxel to voxel."""
    torch.manual_seed(3)
    network = build_network(TINY)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.2 * torch.randn_like(parameter)
    recipe = Recipe("MR", spacing_mm=(1.2, 1.0, 1.0))
    save(path, network, recipe, LABELS, Provenance(name=path.stem, title="Random", licence="CC0"))
    return path


def test_a_bundle_gives_the_labels_of_segment(run: Any, scan: Callable[..., Path], tmp_path: Path) -> None:
    for package in ("ignite", "fire"):
        pytest.importorskip(package)
    model = random_model(tmp_path / "random.safetensors")
    (tmp_path / "scans").mkdir()
    scan("moving.nii.gz").rename(tmp_path / "scans" / "scan.nii.gz")
    assert run("models", "bundle", model, "-o", "made")[0] == 0
    inference = json.loads((tmp_path / "made" / "configs" / "inference.json").read_text())
    assert inference["inferer"]["_target_"] == "napari_scd.engine.monai_inferer.ScdInferer"
    done = subprocess.run(
        [
            sys.executable, "-m", "monai.bundle", "run", "--config_file", "configs/inference.json",
            "--dataset_dir", "../scans", "--output_dir", "../eval", "--keep", "0.5",
        ],
        cwd=tmp_path / "made", env=environment(), capture_output=True, text=True, timeout=250, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    words = ("--model", model, "--keep-ratio", 0.5, "--threads", 1)
    assert run("segment", "scans/scan.nii.gz", "-o", "ours.nii.gz", *words)[0] == 0
    theirs, ours = nib.load(tmp_path / "eval" / "scan_seg.nii.gz"), nib.load(tmp_path / "ours.nii.gz")
    assert len(np.unique(np.asarray(ours.dataobj))) > 1
    np.testing.assert_array_equal(np.asarray(theirs.dataobj), np.asarray(ours.dataobj))
    np.testing.assert_allclose(theirs.affine, ours.affine)


def test_click_models_answer_at_points(tmp_path: Path, models: Path) -> None:
    from monai.data import MetaTensor

    from napari_scd.checkpoints import load
    from napari_scd.engine.monai_inferer import ScdInferer

    model = load(models / "clicky.safetensors")
    scans = MetaTensor(torch.randn(2, 1, 16, 18, 17), affine=torch.eye(4).double())
    parts = (model.recipe.to_dict(), model.labels.to_list())
    answer = ScdInferer(*parts, points_ras_mm=[[8, 8, 8]])(scans, model.network)
    assert answer.shape == (2, 1, 16, 18, 17) and answer.dtype == torch.uint8
    assert (answer[:, :, 8, 8, 8] == 1).all()
    with pytest.raises(InputError, match="load them with MONAI's LoadImage"):
        ScdInferer(*parts)(scans.as_tensor(), model.network)


def test_a_folder_in_use_is_not_written_into(run: Any, tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "note.txt").write_text("mine")
    code, _, said = run("models", "bundle", "whole", "-o", "made")
    assert code == 2 and "already exists" in said and len(list((tmp_path / "made").iterdir())) == 1
