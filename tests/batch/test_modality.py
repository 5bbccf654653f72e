"""The model that is used when none was named."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np
import pytest

from napari_scd.batch.modality import modality_of, model_for
from napari_scd.errors import ChooseModel, InputError

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, *, ct: bool, shape: tuple[int, ...] = (20, 20, 12)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(0).normal(100, 30, shape)
    if ct:
        values[: shape[0] // 4] = -1000
    nib.save(nib.Nifti1Image(values.astype(np.int16), np.eye(4)), path)
    return path


@pytest.mark.parametrize("shape", [(20, 20, 12), (20, 20, 12, 3), (2000, 1500, 2)])
def test_numbers_tell_ct_from_mr(tmp_path: Path, shape: tuple[int, ...]) -> None:
    assert modality_of(write(tmp_path / "a.nii.gz", ct=True, shape=shape)) == "CT"
    assert modality_of(write(tmp_path / "b.nii", ct=False, shape=shape)) == "MR"


def test_the_model_follows_the_scan(tmp_path: Path) -> None:
    ct, mr = write(tmp_path / "ct.nii.gz", ct=True), write(tmp_path / "mr.nii.gz", ct=False)
    assert model_for([ct], at_points=False) == "abdomen-ct"
    assert model_for([mr], at_points=False) == "brain-mr"
    assert model_for([mr], at_points=True) == "hippocampus-mr"
    assert model_for([ct], at_points=True) == "abdomen-ct"


def test_a_folder_is_looked_into(tmp_path: Path) -> None:
    for name in ("a/one.nii.gz", "b/two.nii.gz"):
        write(tmp_path / name, ct=True)
    (tmp_path / "a" / "broken.nii").write_bytes(b"no scan")
    (tmp_path / "a" / "notes.txt").write_text("x")
    assert model_for([tmp_path], at_points=False) == "abdomen-ct"
    write(tmp_path / "c" / "three.nii.gz", ct=False)
    with pytest.raises(ChooseModel, match="These scans are CT and MR") as asked:
        model_for([tmp_path], at_points=False)
    assert "brain-mr" in asked.value.known


def test_a_dicom_header_says_it(tmp_path: Path) -> None:
    pytest.importorskip("pydicom")
    from dataclasses import replace

    from ..dicom_writer import Spec, write_series

    spec = Spec(np.zeros((6, 16, 16), np.int16), modality="MR", spacing_mm=(1.0, 1.0))
    write_series(tmp_path / "mr", spec)
    write_series(tmp_path / "pet", replace(spec, extra={"Modality": "PT"}))
    assert modality_of(tmp_path / "mr") == "MR"
    assert model_for([tmp_path / "mr"], at_points=False) == "brain-mr"
    with pytest.raises(ChooseModel, match="No model is made for PT"):
        model_for([tmp_path / "pet"], at_points=False)


def test_what_is_wrong_with_a_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"missing\.nii"):
        model_for([tmp_path / "missing.nii"], at_points=False)
    whole = write(tmp_path / "a.nii", ct=True).read_bytes()
    (tmp_path / "cut.nii.gz").write_bytes(gzip.compress(whole)[:600])
    with pytest.raises(InputError, match=r"cut\.nii\.gz"):
        model_for([tmp_path / "cut.nii.gz"], at_points=False)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="There is no scan below"):
        model_for([tmp_path / "empty"], at_points=False)
