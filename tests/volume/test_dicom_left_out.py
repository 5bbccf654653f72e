"""Slices that cannot be used are named, or the series is refused: none vanishes without a word."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pydicom = pytest.importorskip("pydicom")

from pydicom.uid import generate_uid  # noqa: E402 - after the check that it is there

from napari_scd.errors import InputError, Unreadable  # noqa: E402
from napari_scd.volume import find_series, is_dicom, read_volume  # noqa: E402

from ..dicom_writer import Spec, dataset_of, write_series, write_slice  # noqa: E402
from .test_dicom_reading import drawn  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Write = Callable[..., Path]

SPEC = Spec(drawn((9, 12, 10)))


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Give ``write(index, name, change=None, spec=SPEC)``: one slice in the folder ``ct``."""

    def one(index: int, name: str, change: Callable[[Any], object] | None = None, spec: Spec = SPEC) -> Path:
        dataset = dataset_of(spec, index)
        if change is not None:
            change(dataset)
        return write_slice(tmp_path / "ct" / name, dataset)

    return one


@pytest.fixture
def folder(tmp_path: Path, write: Write) -> Path:
    """All slices but the last two, in a folder; their names have no ending."""
    for index in range(7):
        write(index, f"IM{index}")
    return tmp_path / "ct"


@pytest.mark.parametrize("name", ["IM7", "IM7.dcm", "IM7.dcm.part"])
def test_an_empty_slice_at_the_end_is_named(folder: Path, name: str) -> None:
    (folder / name).touch()
    volume = read_volume(folder)
    assert volume.array.shape[0] == 7
    assert volume.warnings == (f"Left out: {name} (empty).",)


@pytest.mark.parametrize("share", [0.05, 0.2, 0.4])
def test_a_slice_cut_off_in_its_header_is_named(folder: Path, write: Write, share: float) -> None:
    path = write(7, "IM7")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    (sentence,) = read_volume(folder).warnings
    assert sentence.startswith("Left out: IM7 (")


def test_a_slice_without_position_is_named(folder: Path, write: Write) -> None:
    write(7, "IM7", lambda dataset: delattr(dataset, "ImagePositionPatient"))
    assert read_volume(folder).warnings == ("Left out: IM7 (no position in space).",)


def test_lost_slices_in_the_middle_are_named_in_the_refusal(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "ct", SPEC, leave_out=(4,))
    (folder / "IM0499").touch()
    with pytest.raises(InputError, match=r"1 slice is missing .* Left out: IM0499 \(empty\)\."):
        read_volume(folder)


def test_a_header_without_pixels_is_refused_by_name(folder: Path, write: Write) -> None:
    write(7, "IM7", lambda dataset: delattr(dataset, "PixelData"))
    with pytest.raises(Unreadable, match="IM7 holds no pixels that can be read"):
        read_volume(folder)


def test_many_lost_slices_are_counted(folder: Path) -> None:
    for number in range(7, 40):
        (folder / f"IM{number}").touch()
    assert read_volume(folder).warnings == ("Left out: IM10, IM11, IM12 and 30 more (empty).",)


def test_one_identifier_for_all_slices_makes_no_duplicates(tmp_path: Path, write: Write) -> None:
    uid = generate_uid()
    for index in range(9):
        write(index, f"IM{index}", lambda dataset: setattr(dataset, "SOPInstanceUID", uid))
    volume = read_volume(tmp_path / "ct")
    np.testing.assert_array_equal(volume.array, SPEC.array - 1024)
    assert volume.warnings == ()


def test_files_of_other_kinds_are_no_slices(folder: Path) -> None:
    for name in ("README", "VERSION", "viewer.exe", "notes.txt", "Thumbs.db", "DICOMDIR.html"):
        (folder / name).write_text("nothing of interest")
    assert read_volume(folder).warnings == ()


def test_a_damaged_slice_that_looks_like_no_dicom_is_named(folder: Path) -> None:
    (folder / "IM7").write_text("garbage")
    assert read_volume(folder).warnings == ("Left out: IM7 (not a DICOM file).",)


def test_images_behind_hundreds_of_other_files_are_found(tmp_path: Path) -> None:
    viewer = tmp_path / "cd" / "AUTORUN"
    viewer.mkdir(parents=True)
    for number in range(300):
        (viewer / f"lib{number:03d}").write_text("not an image")
    write_series(tmp_path / "cd" / "IMAGES", SPEC)
    assert is_dicom(tmp_path / "cd")
    volume = read_volume(tmp_path / "cd")
    assert volume.array.shape == (9, 12, 10) and volume.warnings == ()


def test_linked_folders_of_a_series_are_read(tmp_path: Path) -> None:
    write_series(tmp_path / "store", SPEC)
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "ct").symlink_to(tmp_path / "store")
    assert read_volume(tmp_path / "study").array.shape == (9, 12, 10)


def test_links_to_nowhere_are_named_for_what_they_are(folder: Path) -> None:
    (folder / "IM7").symlink_to(folder / "gone")
    for given in (folder, folder / "IM3", sorted(folder.iterdir())):
        assert read_volume(given).warnings == ("Left out: IM7 (link to nowhere).",)


def test_scouts_and_reports_beside_the_scan_are_named(tmp_path: Path) -> None:
    write_series(tmp_path / "ct", SPEC)
    write_series(tmp_path / "ct", Spec(drawn((1, 20, 20)), number=1, description="Scout"))
    report = dataset_of(SPEC, 0)
    report.Modality = "SR"
    write_slice(tmp_path / "ct" / "report", report)
    (sentence,) = read_volume(tmp_path / "ct").warnings
    assert "IM010000 (another series: 1: CT, Scout, 1 axial image)" in sentence
    assert "report (no scan: SR)" in sentence


def picture_of(spec: Spec, index: int) -> Any:
    dataset = dataset_of(spec, index)
    dataset.SOPInstanceUID = generate_uid()
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PlanarConfiguration = 3, "RGB", 0
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit = 7
    dataset.PixelData = bytes(3 * spec.array[0].size)
    return dataset


@pytest.mark.parametrize("number", [SPEC.number, 99])
@pytest.mark.parametrize("placed", [True, False])
def test_colour_pictures_beside_the_scan_are_named(folder: Path, number: int, placed: bool) -> None:
    for index in range(3):
        picture = picture_of(replace(SPEC, number=number), index)
        if not placed:
            del picture.ImagePositionPatient, picture.ImageOrientationPatient
        write_slice(folder / f"SC{index}", picture)
    volume = read_volume(folder)
    assert volume.array.shape[0] == 7
    assert volume.warnings == ("Left out: SC0, SC1, SC2 (colours instead of one number per voxel).",)


def test_images_of_another_series_without_position_are_named(folder: Path) -> None:
    picture = dataset_of(replace(SPEC, number=99), 0)
    del picture.ImagePositionPatient
    write_slice(folder / "SC", picture)
    assert read_volume(folder).warnings == ("Left out: SC (no position in space).",)


def test_a_folder_of_colours_is_refused_for_what_it_is(tmp_path: Path) -> None:
    path = write_slice(tmp_path / "SC", picture_of(SPEC, 0))
    for given in (tmp_path, path):
        with pytest.raises(InputError, match="colours"):
            read_volume(given)


@pytest.mark.parametrize("same_series", [True, False])
@pytest.mark.parametrize("same_direction", [True, False])
def test_scouts_are_no_part_of_the_scan(folder: Path, same_series: bool, same_direction: bool) -> None:
    spec = replace(
        SPEC,
        number=SPEC.number if same_series else 1,
        column_direction=(0.0, 1.0, 0.0) if same_direction else (0.0, 0.0, -1.0),
        step_mm=(0.0, 0.0, 40.0) if same_direction else (0.0, 40.0, 0.0),
    )
    for index in range(3):
        scout = dataset_of(spec, index)
        scout.SOPInstanceUID, scout.ImageType = generate_uid(), ["ORIGINAL", "PRIMARY", "LOCALIZER"]
        write_slice(folder / f"scout{index}", scout)
    volume = read_volume(folder)
    assert volume.array.shape[0] == 7
    (sentence,) = volume.warnings
    assert sentence.startswith("Left out: scout0 (another series")


def test_hidden_slices_are_named_and_other_hidden_files_are_not(folder: Path, write: Write) -> None:
    write(7, ".IM7")
    (folder / ".DS_Store").write_bytes(b"Bud1" * 20)
    (folder / "._IM3").write_bytes(bytes.fromhex("00051607") + b"Mac OS X" * 9)
    (folder / ".backup").mkdir()
    write(8, ".backup/IM8")
    assert read_volume(folder).warnings == ("Left out: .IM7, .backup (hidden).",)
    assert read_volume(folder / "IM3").warnings == ("Left out: .IM7 (hidden).",)


def test_slices_that_were_not_given_are_named(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "ct", SPEC)
    paths = sorted(folder.iterdir())
    whole = read_volume(paths)
    np.testing.assert_array_equal(whole.array, read_volume(folder).array)
    assert whole.warnings == ()
    part = [path for path in paths if pydicom.dcmread(path).InstanceNumber <= 6]
    volume = read_volume(part)
    assert volume.array.shape[0] == 6
    assert volume.warnings[0].endswith("(of the same series, but not given).")


def test_every_file_that_was_given_and_is_no_slice_is_named(tmp_path: Path) -> None:
    paths = sorted(write_series(tmp_path / "ct", SPEC).iterdir())
    note = tmp_path / "ct" / "note.txt"
    note.write_text("no image")
    assert read_volume([*paths, note]).warnings == ("Left out: note.txt (not a DICOM file).",)


def test_other_stacks_of_a_files_series_are_named(tmp_path: Path) -> None:
    coronal = replace(
        SPEC, array=drawn((4, 9, 9)), column_direction=(0.0, 0.0, -1.0), step_mm=(0.0, 3.0, 0.0)
    )
    folder = write_series(tmp_path / "ct", SPEC)
    for index in range(4):
        dataset = dataset_of(coronal, index)
        dataset.SOPInstanceUID = generate_uid()
        write_slice(folder / f"coronal{index}", dataset)
    (sentence,) = read_volume(folder / "IM040000").warnings
    assert "another series: 4.2: CT, Abdomen, 4 coronal images" in sentence


def test_a_folder_of_lost_slices_only_is_refused_by_name(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / f"IM{number}.dcm").touch()
    with pytest.raises(
        InputError, match=r"no DICOM images \(IM0.dcm, IM1.dcm, IM2.dcm and 2 more \(empty\)\)"
    ):
        read_volume(tmp_path)


def test_many_images_with_one_position_are_refused_for_what_they_are(tmp_path: Path) -> None:
    dataset = dataset_of(SPEC, 0)
    dataset.NumberOfFrames, dataset.SpacingBetweenSlices = len(SPEC.array), 2.5
    dataset.PixelData = SPEC.array.astype("<u2").tobytes()
    path = write_slice(tmp_path / "ct" / "all.dcm", dataset)
    for given in (path, path.parent):
        with pytest.raises(
            InputError, match="several images in one file, but a position for one of them only"
        ):
            read_volume(given)


def test_without_a_series_identifier_number_and_description_tell_series_apart(tmp_path: Path) -> None:
    for number in (3, 4):
        spec = replace(SPEC, number=number)
        for index in range(5):
            dataset = dataset_of(spec, index)
            dataset.SeriesInstanceUID = ""
            write_slice(tmp_path / f"{number}-{index}", dataset)
    assert [len(series.images) for series in find_series(tmp_path).series] == [5, 5]


@pytest.mark.parametrize("implicit", [True, False])
@pytest.mark.parametrize("ending", ["", ".dcm", ".000"])
def test_files_without_preamble_are_read(tmp_path: Path, implicit: bool, ending: str) -> None:
    plain = read_volume(write_series(tmp_path / "plain", SPEC))
    (tmp_path / "bare").mkdir()
    for path in sorted((tmp_path / "plain").iterdir()):
        dataset = pydicom.dcmread(path)
        dataset.file_meta = pydicom.dataset.FileMetaDataset()
        dataset.preamble = None
        dataset.save_as(
            tmp_path / "bare" / f"{path.name}{ending}",
            implicit_vr=implicit, little_endian=True, enforce_file_format=False,
        )  # fmt: skip
    volume = read_volume(tmp_path / "bare")
    np.testing.assert_array_equal(volume.array, plain.array)
    np.testing.assert_array_equal(volume.affine, plain.affine)


def test_a_store_of_chunks_is_no_dicom_folder(tmp_path: Path) -> None:
    (tmp_path / "scan.zarr").mkdir()
    (tmp_path / "scan.zarr" / ".zarray").write_text("{}")
    (tmp_path / "scan.zarr" / "0.0.0").write_bytes(b"\0" * 128 + b"DICM")
    assert not is_dicom(tmp_path)
