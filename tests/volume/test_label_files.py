"""Label maps on disk: whole numbers, small types, names inside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from napari_scd.errors import InputError
from napari_scd.volume import (
    LabelTable,
    Volume,
    read_label_names,
    read_label_table,
    read_labels,
    write_labels,
)

Make = Callable[..., np.ndarray]
Save = Callable[..., Path]
Check = Callable[[Path, Path], None]


@pytest.mark.parametrize(("top", "dtype"), [(255, "uint8"), (256, "uint16"), (65535, "uint16")])
def test_label_types(tmp_path: Path, top: int, dtype: str) -> None:
    labels = Volume(np.array([0, top] * 4).reshape(2, 2, 2), np.eye(4))
    write_labels(tmp_path / "out.nii.gz", labels)
    assert nib.load(tmp_path / "out.nii.gz").get_data_dtype() == dtype
    assert read_labels(tmp_path / "out.nii.gz").array.dtype == dtype


def test_labels_stored_as_floats_or_scaled_are_read_as_whole_numbers(
    tmp_path: Path, numbered: Make, save_nifti: Save
) -> None:
    save_nifti("floats.nii", (numbered() % 4).astype("float64"), np.eye(4))
    assert read_labels(tmp_path / "floats.nii").array.dtype == np.uint8
    save_nifti("negative.nii", numbered() - 5, np.eye(4))
    assert read_labels(tmp_path / "negative.nii").array.min() == -5
    save_nifti("fractions.nii", numbered() * np.float32(0.5), np.eye(4))
    with pytest.raises(InputError, match=r"fractions.nii are whole numbers"):
        read_labels(tmp_path / "fractions.nii")


@pytest.mark.parametrize("bad", [-1, 65536, 0.5, np.nan])
def test_illegal_labels_are_not_written(tmp_path: Path, bad: float) -> None:
    with pytest.raises(InputError):
        write_labels(tmp_path / "out.nii.gz", Volume(np.full((2, 2, 2), bad), np.eye(4)))
    assert list(tmp_path.iterdir()) == []


def test_labels_with_channels_are_not_written(tmp_path: Path) -> None:
    write_labels(tmp_path / "one.nii", Volume(np.zeros((1, 2, 3, 4), np.uint8), np.eye(4)))
    assert nib.load(tmp_path / "one.nii").shape == (4, 3, 2)
    with pytest.raises(InputError, match="2 channels"):
        write_labels(tmp_path / "two.nii", Volume(np.zeros((2, 2, 3, 4), np.uint8), np.eye(4)))


def test_another_grid_is_refused(tmp_path: Path) -> None:
    like = Volume(np.zeros((3, 4, 5)), np.eye(4))
    moved = np.eye(4)
    moved[0, 3] = 0.5
    for labels in (Volume(np.zeros((3, 4, 6)), np.eye(4)), Volume(np.zeros((3, 4, 5)), moved)):
        with pytest.raises(InputError, match="grid of the image"):
            write_labels(tmp_path / "out.nii", labels, like=like)


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_label_names_survive(tmp_path: Path, ending: str, numbered: Make) -> None:
    table = LabelTable.from_names(
        {1: "anterior", 7: "Überbein \N{GREEK SMALL LETTER ALPHA}"}, {"anterior": "hippocampus"}
    )
    path = tmp_path / f"out{ending}"
    write_labels(path, Volume(numbered((2, 2, 2)), np.eye(4)), table=table)
    assert read_label_names(path) == {1: "anterior", 7: "Überbein \N{GREEK SMALL LETTER ALPHA}"}
    assert read_label_table(path) == table
    np.testing.assert_array_equal(np.asarray(nib.load(path).dataobj).T, numbered((2, 2, 2)))


def test_files_without_names(tmp_path: Path, numbered: Make) -> None:
    image = nib.Nifti1Image(numbered(), np.eye(4))
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"a remark of another program"))
    image.header.extensions.append(
        nib.nifti1.Nifti1Extension("comment", b'{"napari-scd labels": [{"index": 0}]}')
    )
    image.header.extensions.append(nib.nifti1.Nifti1Extension("afni", b"<xml/>"))
    image.to_filename(tmp_path / "scan.nii")
    nib.MGHImage(numbered(dtype="uint8"), np.eye(4)).to_filename(tmp_path / "scan.mgz")
    for name in ("scan.nii", "scan.mgz"):
        assert read_label_table(tmp_path / name) is None
        assert read_label_names(tmp_path / name) == {}
