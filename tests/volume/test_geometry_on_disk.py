"""What we write lies exactly where the source lay, whatever the axis order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from napari_scd.volume import (
    ORIENTATION_UNKNOWN,
    Volume,
    axis_directions,
    read_volume,
    reorient,
    resample,
    spl_from_ras,
    write_labels,
    write_volume,
)

Make = Callable[..., np.ndarray]
Save = Callable[..., Path]
Check = Callable[[Path, Path], None]


def test_all_orders_and_flips_round_trip_exactly(
    tmp_path: Path, axes: str, ras_affine: Make, numbered: Make, save_nifti: Save, assert_same_geometry: Check
) -> None:
    data = numbered()
    source = save_nifti("scan.nii.gz", data, ras_affine(axes, tilt_deg=9.0))
    volume = read_volume(source)
    assert axis_directions(volume.affine) == "SPL"
    for index in np.ndindex(data.shape):
        ras_mm = (nib.load(source).affine @ [*index, 1])[:3]
        there = np.rint(volume.index_of(ras_mm)).astype(int)
        assert volume.array[tuple(there)] == data[index]
        np.testing.assert_allclose(volume.ras_mm_of(there), ras_mm, atol=1e-5)
    write_labels(tmp_path / "labels.nii.gz", volume.with_array(volume.array % 251), like=volume)
    assert_same_geometry(tmp_path / "labels.nii.gz", source)
    written = nib.load(tmp_path / "labels.nii.gz")
    assert written.get_data_dtype() == np.uint8
    np.testing.assert_array_equal(np.asarray(written.dataobj), data % 251)


@pytest.mark.parametrize("codes", [(1, 1), (2, 0), (0, 1), (4, 1), (0, 0)])
@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_form_codes_survive(
    tmp_path: Path,
    codes: tuple[int, int],
    ending: str,
    ras_affine: Make,
    numbered: Make,
    save_nifti: Save,
    assert_same_geometry: Check,
) -> None:
    source = save_nifti(f"scan{ending}", numbered(), ras_affine("PIR", 5.0), codes)
    volume = read_volume(source)
    assert (ORIENTATION_UNKNOWN in volume.warnings) == (codes == (0, 0))
    write_labels(tmp_path / f"out{ending}", volume.with_array(volume.array), like=volume)
    assert_same_geometry(tmp_path / f"out{ending}", source)


def test_a_sheared_sform_and_another_qform_survive(
    tmp_path: Path, ras_affine: Make, numbered: Make, assert_same_geometry: Check
) -> None:
    image = nib.Nifti1Image(numbered(), None)
    sheared = ras_affine("RAS")
    sheared[0, 1] = 0.4
    image.set_sform(sheared, 2)
    image.set_qform(ras_affine("LAS"), 1)
    image.to_filename(tmp_path / "scan.nii")
    volume = read_volume(tmp_path / "scan.nii")
    np.testing.assert_allclose(volume.ras_mm_of(volume.index_of(sheared[:3, 3])), sheared[:3, 3])
    assert volume.array[tuple(np.rint(volume.index_of(sheared[:3, 3])).astype(int))] == 0
    assert volume.warnings == ("The file's sform and qform place the image differently; the sform is used.",)
    write_labels(tmp_path / "out.nii", volume, like=volume)
    assert_same_geometry(tmp_path / "out.nii", tmp_path / "scan.nii")


def test_forms_that_agree_up_to_rounding_give_no_warning(
    tmp_path: Path, ras_affine: Make, numbered: Make, save_nifti: Save
) -> None:
    source = save_nifti("scan.nii", numbered(), ras_affine("LPS", 31.0))
    assert read_volume(source).warnings == ()


def test_left_and_right_are_never_swapped(tmp_path: Path, save_nifti: Save) -> None:
    """The same patient stored in neurological and radiological order reads as the same array."""
    spots = np.zeros((9, 8, 7), np.uint8)
    spots[7, 5, 4] = 9  # towards Right
    save_nifti("ras.nii", spots, np.diag([1.0, 1, 1, 1]))
    mirrored = np.diag([-1.0, 1, 1, 1])
    mirrored[0, 3] = 8
    save_nifti("las.nii", spots[::-1].copy(), mirrored)
    one, other = read_volume(tmp_path / "ras.nii"), read_volume(tmp_path / "las.nii")
    np.testing.assert_array_equal(one.array, other.array)
    np.testing.assert_array_equal(one.affine, other.affine)
    assert np.argwhere(one.array)[0][2] == 1  # x grows towards Left, so Right is at low x


@pytest.mark.parametrize("ending", [".mgh", ".mgz"])
def test_mgh_round_trip(
    tmp_path: Path, some_axes: str, ending: str, ras_affine: Make, numbered: Make
) -> None:
    data = numbered(dtype="uint8")
    image = nib.MGHImage(data, ras_affine(some_axes, 11.0).astype(np.float32))
    image.to_filename(tmp_path / f"scan{ending}")
    volume = read_volume(tmp_path / f"scan{ending}")
    assert volume.warnings == ()
    assert volume.array.dtype == np.uint8
    assert axis_directions(volume.affine) == "SPL"
    write_labels(tmp_path / f"out{ending}", volume, like=volume)
    written = nib.load(tmp_path / f"out{ending}")
    for field in ("delta", "Mdc", "Pxyz_c"):
        np.testing.assert_array_equal(written.header[field], image.header[field])
    np.testing.assert_array_equal(np.asarray(written.dataobj), data)
    write_labels(tmp_path / "out.nii.gz", volume, like=volume)
    as_nifti = nib.load(tmp_path / "out.nii.gz")
    np.testing.assert_array_equal(np.asarray(as_nifti.dataobj), data)
    np.testing.assert_allclose(as_nifti.affine, written.affine, atol=1e-4)
    assert read_volume(tmp_path / "out.nii.gz").warnings == ()


def test_mgh_without_orientation_warns(tmp_path: Path, numbered: Make) -> None:
    nib.MGHImage(numbered(dtype="uint8"), np.eye(4)).to_filename(tmp_path / "scan.mgh")
    raw = bytearray((tmp_path / "scan.mgh").read_bytes())
    raw[28:30] = b"\0\0"
    (tmp_path / "scan.mgh").write_bytes(raw)
    assert read_volume(tmp_path / "scan.mgh").warnings == (ORIENTATION_UNKNOWN,)


def test_nifti_pair_nifti2_and_big_endian(tmp_path: Path, ras_affine: Make, numbered: Make) -> None:
    data, affine = numbered(), ras_affine("AIL", 4.0)
    pair = nib.Nifti1Pair(data, affine)
    pair.to_filename(tmp_path / "pair.img")
    nib.Nifti2Image(data, affine).to_filename(tmp_path / "second.nii")
    header = nib.Nifti1Header(endianness=">")
    header.set_data_dtype(np.int16)
    nib.Nifti1Image(data, affine, header).to_filename(tmp_path / "big.nii")
    for name in ("pair.img", "pair.hdr", "second.nii", "big.nii"):
        volume = read_volume(tmp_path / name)
        assert volume.array.dtype == np.dtype("int16")
        assert volume.array.dtype.isnative
        write_labels(tmp_path / "out.nii.gz", volume, like=volume)
        written = nib.load(tmp_path / "out.nii.gz")
        np.testing.assert_array_equal(np.asarray(written.dataobj), data)
        np.testing.assert_array_equal(written.affine, nib.load(tmp_path / name).affine)


def test_microns_and_metres_become_mm(
    tmp_path: Path, ras_affine: Make, numbered: Make, assert_same_geometry: Check
) -> None:
    for unit, word, factor in (("micron", "microns", 0.001), ("meter", "metres", 1000.0)):
        image = nib.Nifti1Image(numbered(), ras_affine("LPS"))
        image.header.set_xyzt_units(unit)
        image.to_filename(tmp_path / "scan.nii")
        volume = read_volume(tmp_path / "scan.nii")
        np.testing.assert_allclose(sorted(volume.spacing_mm), np.array([0.7, 1.3, 3.1]) * factor, rtol=1e-6)
        assert word in volume.warnings[0]
        write_labels(tmp_path / "out.nii", volume, like=volume)
        assert_same_geometry(tmp_path / "out.nii", tmp_path / "scan.nii")


def test_results_keep_the_source_through_turning(
    tmp_path: Path, ras_affine: Make, numbered: Make, save_nifti: Save, assert_same_geometry: Check
) -> None:
    """A result made in any other axis order still goes back into the file's own."""
    source = save_nifti("scan.nii.gz", numbered(), ras_affine("IRP", 6.0))
    turned, _ = reorient(read_volume(source), "LAS")
    write_labels(tmp_path / "out.nii.gz", turned)
    assert_same_geometry(tmp_path / "out.nii.gz", source)
    np.testing.assert_array_equal(np.asarray(nib.load(tmp_path / "out.nii.gz").dataobj), numbered())


def test_a_resampled_or_cropped_volume_leaves_the_file_header_behind(
    tmp_path: Path, ras_affine: Make, numbered: Make, save_nifti: Save
) -> None:
    source = save_nifti("scan.nii.gz", numbered((8, 8, 8)), ras_affine("LAS", 6.0))
    volume = read_volume(source)
    finer, _ = resample(volume, (1.0, 1.0, 1.0))
    write_volume(tmp_path / "out.nii", finer)
    again = read_volume(tmp_path / "out.nii")
    np.testing.assert_allclose(again.affine, finer.affine, atol=1e-5)
    np.testing.assert_array_equal(again.array, finer.array)
    cropped = replace(volume, array=volume.array[:5])
    write_volume(tmp_path / "cropped.nii", cropped)
    again = read_volume(tmp_path / "cropped.nii")
    np.testing.assert_allclose(again.affine, volume.affine, atol=1e-5)
    np.testing.assert_array_equal(again.array, cropped.array)


@pytest.mark.parametrize("ending", [".nii", ".nii.gz", ".mgz"])
def test_volumes_without_a_file_round_trip(
    tmp_path: Path, some_axes: str, ending: str, ras_affine: Make, numbered: Make
) -> None:
    volume = Volume(numbered(dtype="float32"), spl_from_ras(ras_affine(some_axes, 13.0)))
    write_volume(tmp_path / f"out{ending}", volume)
    again, _ = reorient(read_volume(tmp_path / f"out{ending}"), some_axes)
    np.testing.assert_array_equal(again.array, volume.array)
    np.testing.assert_allclose(again.affine, volume.affine, atol=1e-4)
    assert again.warnings == ()


def test_a_sheared_volume_without_a_file_has_no_qform(tmp_path: Path, numbered: Make) -> None:
    affine = np.diag([2.0, 1.0, 1.0, 1.0])
    affine[1, 0] = 0.5
    write_volume(tmp_path / "out.nii", Volume(numbered(), affine))
    assert nib.load(tmp_path / "out.nii").header["qform_code"] == 0
    np.testing.assert_allclose(read_volume(tmp_path / "out.nii").affine, affine)


def test_the_source_remembers_its_file(tmp_path: Path, numbered: Make, save_nifti: Save) -> None:
    source = save_nifti("scan.nii", numbered(), np.eye(4))
    volume = read_volume(str(source))
    assert volume.source.name == "scan.nii"
    assert volume.source.path == source
    assert volume.with_array(volume.array * 2).source is volume.source
