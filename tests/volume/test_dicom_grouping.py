"""Series are put together as they were scanned: rounded headers, passes, pieces in several folders."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("pydicom")

from napari_scd.errors import ChooseSeries, InputError  # noqa: E402 - after the check that pydicom is there
from napari_scd.volume import find_series, pieces_of, read_volume, series_of  # noqa: E402

from ..dicom_writer import Spec, dataset_of, write_series, write_slice  # noqa: E402
from .test_dicom_reading import drawn, rotated  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

SPEC = Spec(drawn((12, 9, 8)))


def test_spacing_written_with_fewer_digits_is_the_same_spacing(tmp_path: Path) -> None:
    spec = replace(SPEC, spacing_mm=(0.77005, 0.77005))
    for index in range(12):
        dataset = dataset_of(spec, index)
        if index % 2:
            dataset.PixelSpacing = ["0.770049", "0.77"]
        write_slice(tmp_path / f"{index}", dataset)
    volume = read_volume(tmp_path)
    assert volume.array.shape == (12, 9, 8) and volume.warnings == ()


def test_directions_written_with_fewer_digits_are_the_same_direction(tmp_path: Path) -> None:
    spec = rotated(SPEC, 7)
    for index in range(12):
        dataset = dataset_of(spec, index)
        if index % 2:
            dataset.ImageOrientationPatient = [round(float(x), 3) for x in dataset.ImageOrientationPatient]
        write_slice(tmp_path / f"{index}", dataset)
    assert read_volume(tmp_path).array.shape[-3:] == (12, 9, 8)


@pytest.mark.parametrize("step_mm", [6.5, 2.0, 1.0])
@pytest.mark.parametrize("degrees", [0, 10])
def test_positions_rounded_to_a_tenth_are_even(tmp_path: Path, step_mm: float, degrees: float) -> None:
    spec = rotated(replace(SPEC, step_mm=(0.0, 0.0, step_mm * 1.013)), degrees)
    for index in range(12):
        dataset = dataset_of(spec, index)
        write_slice(tmp_path / "exact" / f"{index}", dataset)
        dataset.ImagePositionPatient = [round(float(mm), 1) for mm in dataset.ImagePositionPatient]
        write_slice(tmp_path / "rounded" / f"{index}", dataset)
    exact, rounded = read_volume(tmp_path / "exact"), read_volume(tmp_path / "rounded")
    assert rounded.warnings == ()
    assert np.abs(rounded.affine - exact.affine).max() < 0.06


def test_phases_whose_positions_are_rounded_differently_share_their_places(tmp_path: Path) -> None:
    for phase in range(2):
        for index in range(12):
            dataset = dataset_of(replace(SPEC, step_mm=(0.0, 0.0, 2.437)), index)
            dataset.SOPInstanceUID = f"1.2.{phase}.{index}"
            dataset.AcquisitionNumber = phase + 1
            if phase:
                dataset.ImagePositionPatient = [round(float(mm), 1) for mm in dataset.ImagePositionPatient]
            write_slice(tmp_path / f"{phase}-{index}", dataset)
    assert read_volume(tmp_path, frame=1).array.shape == (12, 9, 8)


def write_passes(folder: Path, shift_mm: float, start: int) -> Path:
    """Two passes that overlap, the second moved by a part of a slice."""
    for number, spec in enumerate(
        (SPEC, replace(SPEC, origin_mm=(-20.0, -30.0, 5.0 + start * 2.5 + shift_mm)))
    ):
        for index in range(12):
            dataset = dataset_of(spec, index)
            dataset.SOPInstanceUID = f"1.2.{number}.{index}"
            dataset.AcquisitionNumber, dataset.InstanceNumber = number + 1, 12 * number + index
            write_slice(folder / f"{number}-{index}", dataset)
    return folder


@pytest.mark.parametrize(("shift_mm", "start"), [(1.25, 8), (0.0, 8), (0.6, 0), (0.9, 20)])
def test_passes_that_make_no_even_stack_together_are_kept_apart(
    tmp_path: Path, shift_mm: float, start: int
) -> None:
    folder = write_passes(tmp_path / "s", shift_mm, start)
    with pytest.raises(ChooseSeries, match="mixes directions, sizes or passes") as caught:
        read_volume(folder)
    assert [text.split(":")[0] for text in caught.value.series] == ["4.1", "4.2"]
    np.testing.assert_array_equal(read_volume(folder, series="4.2").array, SPEC.array - 1024)


def test_passes_that_continue_each_other_are_one_scan(tmp_path: Path) -> None:
    assert read_volume(write_passes(tmp_path / "s", 0.0, 12)).array.shape == (24, 9, 8)


def images_below(*folders: Path) -> list[tuple[object, ...]]:
    return [series.images for folder in folders for series in find_series(folder).series]


def split(folder: Path, spec: Spec, *groups: range | list[int]) -> list[Path]:
    """Write some slices of a series into each of several folders."""
    folders = []
    for number, group in enumerate(groups):
        for index in group:
            write_slice(folder / str(number) / f"IM{index}", dataset_of(spec, index))
        folders.append(folder / str(number))
    return folders


@pytest.mark.parametrize(
    "groups",
    [
        (range(5), range(5, 12)),
        ([0, 3, 4, 7, 11], [1, 2, 5, 6, 8, 9, 10]),
        tuple([index] for index in range(12)),
    ],
    ids=["one after the other", "mixed", "one each"],
)
def test_a_series_in_several_folders_is_one_scan(
    tmp_path: Path, groups: tuple[range | list[int], ...]
) -> None:
    folders = split(tmp_path / "s", SPEC, *groups)
    np.testing.assert_array_equal(read_volume(tmp_path / "s").array, SPEC.array - 1024)
    assert pieces_of(images_below(*folders)) == [list(range(len(groups)))]


def test_copies_and_phases_in_folders_of_their_own_are_scans_of_their_own(tmp_path: Path) -> None:
    folders = split(tmp_path / "s", SPEC, range(12), range(12))
    assert pieces_of(images_below(*folders)) == [[0], [1]]


def test_scans_in_different_directions_are_not_pieces(tmp_path: Path) -> None:
    coronal = replace(SPEC, column_direction=(0.0, 0.0, -1.0), step_mm=(0.0, 3.0, 0.0))
    axial = series_of(sorted(write_series(tmp_path / "a", SPEC).iterdir())).series[0]
    other = series_of(sorted(write_series(tmp_path / "b", coronal).iterdir())).series[0]
    assert pieces_of([axial.images, other.images]) == [[0], [1]]


@pytest.mark.parametrize("kept", ["image type", "vendor's tag"])
def test_a_mosaic_is_refused_for_what_it_is(tmp_path: Path, kept: str) -> None:
    for index in range(4):
        dataset = dataset_of(replace(SPEC, array=drawn((4, 32, 32)), modality="MR", intercept=0.0), index)
        dataset.ImagePositionPatient = [0, 0, 0]
        if kept == "image type":
            dataset.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]
        else:
            dataset.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(0x0A, "US", 16)
        dataset.AcquisitionNumber = index + 1
        write_slice(tmp_path / f"{index}", dataset)
    with pytest.raises(InputError, match="is a mosaic: it shows several slices side by side"):
        read_volume(tmp_path, frame=0)
