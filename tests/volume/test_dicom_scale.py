"""Slices that do not say how their numbers become values: completed from the others, or told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pydicom = pytest.importorskip("pydicom")

from napari_scd.errors import InputError  # noqa: E402 - after the check that pydicom is there

from .test_dicom_values import CT, MR, read  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path


def without(*names: str, at: int | None = None) -> Any:
    def change(dataset: Any, index: int) -> None:
        for name in names if at in (None, index) else ():
            delattr(dataset, name)

    return change


def item(**values: Any) -> Any:
    made = pydicom.Dataset()
    for name, value in values.items():
        setattr(made, name, value)
    return made


def test_a_slice_without_scale_takes_that_of_the_others(tmp_path: Path) -> None:
    volume = read(tmp_path, CT, CT.array, without("RescaleSlope", "RescaleIntercept", at=2))
    np.testing.assert_array_equal(volume.array, CT.array - 1024)
    assert volume.warnings == ("Without slope and intercept, so those of the other slices were used: IM2.",)


def test_a_slice_without_scale_among_different_ones_is_named(tmp_path: Path) -> None:
    def change(dataset: Any, index: int) -> None:
        dataset.RescaleSlope = 1.0 + index
        without("RescaleSlope", "RescaleIntercept", at=2)(dataset, index)

    volume = read(tmp_path, CT, CT.array, change)
    np.testing.assert_array_equal(volume.array[2], CT.array[2])
    assert volume.warnings == ("Without slope and intercept, values left as they are: IM2.",)


def test_ct_without_any_scale_is_told_and_mr_is_not(tmp_path: Path) -> None:
    change = without("RescaleSlope", "RescaleIntercept")
    (sentence,) = read(tmp_path / "ct", CT, CT.array, change).warnings
    assert "do not say how stored numbers become Hounsfield units" in sentence
    assert read(tmp_path / "mr", MR, MR.array, change).warnings == ()


def test_real_world_values_stand_in_for_a_scale(tmp_path: Path) -> None:
    def change(dataset: Any, index: int) -> None:
        del dataset.RescaleSlope, dataset.RescaleIntercept
        dataset.RealWorldValueMappingSequence = [
            item(RealWorldValueSlope=0.5, RealWorldValueIntercept=-1000.0)
        ]

    volume = read(tmp_path, CT, CT.array, change)
    np.testing.assert_array_equal(volume.array, CT.array * 0.5 - 1000)
    assert volume.warnings == ()


def test_a_table_of_values_is_refused_by_name(tmp_path: Path) -> None:
    def change(dataset: Any, index: int) -> None:
        del dataset.RescaleSlope, dataset.RescaleIntercept
        dataset.ModalityLUTSequence = [item(LUTDescriptor=[2, 0, 16], LUTData=bytes(4), ModalityLUTType="HU")]

    with pytest.raises(InputError, match="IM0 keeps its values in a table"):
        read(tmp_path, CT, CT.array, change)


@pytest.mark.parametrize(("unit", "told"), [("HU", False), ("US", False), ("Z_EFF", True), ("MGML", True)])
def test_values_of_a_ct_that_are_no_hounsfield_units_are_told(tmp_path: Path, unit: str, told: bool) -> None:
    volume = read(tmp_path, CT, CT.array, lambda dataset, index: setattr(dataset, "RescaleType", unit))
    assert any(f"the values are {unit}, not Hounsfield units" in one for one in volume.warnings) == told


@pytest.mark.parametrize(
    "names", [("BitsStored",), ("HighBit",), ("SamplesPerPixel",), ("PhotometricInterpretation",)]
)
def test_pixel_formats_are_completed(tmp_path: Path, names: tuple[str, ...]) -> None:
    volume = read(tmp_path, CT, CT.array, without(*names))
    np.testing.assert_array_equal(volume.array, CT.array - 1024)
    assert volume.warnings == ()


def test_numbers_that_do_not_say_whether_they_are_signed_are_told(tmp_path: Path) -> None:
    volume = read(tmp_path, CT, CT.array, without("PixelRepresentation"))
    np.testing.assert_array_equal(volume.array, CT.array - 1024)
    assert "do not say whether numbers are signed" in volume.warnings[0]


def test_a_part_of_a_series_that_is_inverted_is_turned_over_and_named(tmp_path: Path) -> None:
    def change(dataset: Any, index: int) -> None:
        if index in (1, 3):
            dataset.PhotometricInterpretation = "MONOCHROME1"

    volume = read(tmp_path, MR, MR.array, change)
    ends = int(MR.array.min()) + int(MR.array.max())
    wanted = MR.array.copy()
    wanted[[1, 3]] = ends - wanted[[1, 3]]
    np.testing.assert_array_equal(volume.array, wanted)
    assert "IM1, IM3" in volume.warnings[0]


def test_several_padding_values_are_no_padding(tmp_path: Path) -> None:
    volume = read(tmp_path, CT, CT.array, lambda dataset, index: dataset.add_new(0x00280120, "US", [0, 100]))
    np.testing.assert_array_equal(volume.array, CT.array - 1024)
