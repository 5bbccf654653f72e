"""What we read is what the file holds, in types of modest size."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from napari_scd.errors import InputError
from napari_scd.volume import (
    Volume,
    read_volume,
    write_labels,
    write_volume,
)

Make = Callable[..., np.ndarray]
Save = Callable[..., Path]
Check = Callable[[Path, Path], None]


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "uint64"])
def test_integers_stay_integers(
    tmp_path: Path, dtype: str, ras_affine: Make, numbered: Make, save_nifti: Save
) -> None:
    source = save_nifti("scan.nii.gz", numbered((3, 4, 5), dtype), ras_affine("LIP"))
    assert read_volume(source).array.dtype == dtype


def test_scaled_values_are_float32_and_right(tmp_path: Path, ras_affine: Make, numbered: Make) -> None:
    image = nib.Nifti1Image(numbered(), ras_affine("RSA"))
    image.header.set_slope_inter(0.37, -1024.5)
    image.to_filename(tmp_path / "scan.nii.gz")
    stored = nib.load(tmp_path / "scan.nii.gz")
    volume = read_volume(tmp_path / "scan.nii.gz")
    assert volume.array.dtype == np.float32
    assert volume.array.flags["C_CONTIGUOUS"]
    disk = volume.source.to_disk(volume.array)
    np.testing.assert_array_equal(disk, stored.get_fdata().astype(np.float32))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_floats_come_as_float32(tmp_path: Path, dtype: str, numbered: Make, save_nifti: Save) -> None:
    source = save_nifti("scan.nii", numbered(dtype=dtype) + 0.5, np.eye(4))
    assert read_volume(source).array.dtype == np.float32


def test_one_frame_of_a_4d_file(
    tmp_path: Path, ras_affine: Make, numbered: Make, save_nifti: Save, assert_same_geometry: Check
) -> None:
    data = numbered((3, 4, 5, 6))
    for name in ("scan.nii.gz", "scan.nii"):
        source = save_nifti(name, data, ras_affine("PRS"))
        volume = read_volume(source, frame=4)
        np.testing.assert_array_equal(volume.source.to_disk(volume.array), data[..., 4])
        write_labels(tmp_path / "out.nii.gz", volume, like=volume)
        assert_same_geometry(tmp_path / "out.nii.gz", source)
        for frame, words in ((None, "frame from 0 to 5"), (6, "Frame 6"), (-1, "Frame -1")):
            with pytest.raises(InputError, match=words):
                read_volume(source, frame=frame)


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_one_frame_costs_the_memory_of_one_frame(tmp_path: Path, numbered: Make, ending: str) -> None:
    data = numbered((40, 40, 40, 20))
    image = nib.Nifti1Image(data, np.eye(4))
    image.header.set_slope_inter(2.0, 1.0)
    image.to_filename(tmp_path / f"scan{ending}")
    stored = np.asarray(nib.load(tmp_path / f"scan{ending}").dataobj[..., 2])
    tracemalloc.start()
    try:
        volume = read_volume(tmp_path / f"scan{ending}", frame=2)
        assert tracemalloc.get_traced_memory()[1] < 3 * 4 * 40**3 + 200_000
    finally:
        tracemalloc.stop()
    np.testing.assert_array_equal(volume.source.to_disk(volume.array), stored)


@pytest.mark.parametrize("ending", [".nii", ".nii.gz", ".mgz"])
@pytest.mark.parametrize("letters", ["LPS", "RAS", "SPL"])
def test_arrays_are_contiguous_and_writable(
    tmp_path: Path, numbered: Make, ras_affine: Make, ending: str, letters: str
) -> None:
    kind = nib.MGHImage if ending == ".mgz" else nib.Nifti1Image
    for shape, options in (((4, 5, 6), {}), ((4, 5, 6, 2), {"frame": 1}), ((4, 5, 6, 2), {"channels": 2})):
        kind(numbered(shape, "uint8"), ras_affine(letters)).to_filename(tmp_path / f"scan{ending}")
        array = read_volume(tmp_path / f"scan{ending}", **options).array
        assert array.flags["C_CONTIGUOUS"]
        assert array.flags["WRITEABLE"]


def test_channels_come_first(
    tmp_path: Path, ras_affine: Make, numbered: Make, save_nifti: Save, assert_same_geometry: Check
) -> None:
    data = numbered((3, 4, 5, 2))
    source = save_nifti("scan.nii.gz", data, ras_affine("SLP", 8.0))
    volume = read_volume(source, channels=2)
    assert volume.array.shape[0] == 2
    assert volume.n_channels == 2
    np.testing.assert_array_equal(volume.source.to_disk(volume.array), np.moveaxis(data, -1, 0))
    write_volume(tmp_path / "out.nii.gz", volume)
    np.testing.assert_array_equal(np.asarray(nib.load(tmp_path / "out.nii.gz").dataobj), data)
    assert_same_geometry(tmp_path / "out.nii.gz", source)
    for n in (3, 4):
        with pytest.raises(InputError, match=f"The file has 2 channels, but this model needs {n} channels"):
            read_volume(source, channels=n)
    with pytest.raises(InputError, match="leave the frame out"):
        read_volume(source, channels=2, frame=0)
    with pytest.raises(InputError, match="frame from 0 to 1"):
        read_volume(source, channels=1)


def test_trailing_axes_of_length_one_do_not_count(tmp_path: Path, numbered: Make, save_nifti: Save) -> None:
    data = numbered((3, 4, 5, 1, 2))
    source = save_nifti("vectors.nii", data, np.eye(4))
    volume = read_volume(source, channels=2)
    np.testing.assert_array_equal(volume.source.to_disk(volume.array), np.moveaxis(data[..., 0, :], -1, 0))
    source = save_nifti("one.nii", numbered((3, 4, 5, 1)), np.eye(4))
    assert read_volume(source, frame=0).array.shape == read_volume(source, channels=1).array.shape
    with pytest.raises(InputError, match="one frame, 0"):
        read_volume(source, frame=1)


@pytest.mark.parametrize(
    ("dtype", "nifti", "mgh"),
    [
        ("bool", "uint8", "uint8"),
        ("uint8", "uint8", "uint8"),
        ("int8", "int8", "uint8"),
        ("uint16", "uint16", "int16"),
        ("int64", "uint8", "uint8"),
        ("float16", "float32", "float32"),
        ("float64", "float64", "float32"),
    ],
)
def test_types_on_disk(tmp_path: Path, dtype: str, nifti: str, mgh: str, numbered: Make) -> None:
    array = (numbered((3, 4, 5)) * (5 if dtype == "uint16" else 1)).astype(dtype)
    for ending, wanted in ((".nii.gz", nifti), (".mgz", mgh)):
        write_volume(tmp_path / f"out{ending}", Volume(array, np.eye(4)))
        written = nib.load(tmp_path / f"out{ending}")
        assert written.get_data_dtype().newbyteorder("=") == wanted
        np.testing.assert_array_equal(np.asarray(written.dataobj).T, array)


def test_values_no_type_can_hold_are_refused(tmp_path: Path) -> None:
    huge = Volume(np.full((2, 2, 2), 2**40), np.eye(4))
    write_volume(tmp_path / "out.nii", huge)
    assert read_volume(tmp_path / "out.nii").array.max() == 2**40
    with pytest.raises(InputError, match="do not fit"):
        write_volume(tmp_path / "out.mgz", huge)
    assert not (tmp_path / "out.mgz").exists()
