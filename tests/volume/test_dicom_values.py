"""Values mean what the header says: padding, inversion, bits beyond those declared, signs, scale."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pydicom = pytest.importorskip("pydicom")

from pydicom.uid import JPEG2000Lossless, JPEGLSLossless, RLELossless  # noqa: E402 - after the check

from napari_scd.volume import read_volume  # noqa: E402

from ..dicom_writer import Spec, dataset_of, write_slice  # noqa: E402
from .test_dicom_reading import drawn  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_scd.volume import Volume

CT = Spec(drawn((5, 32, 32)).clip(24, 3000))
MR = Spec(drawn((5, 32, 32)).clip(1, 3000), modality="MR", intercept=0.0)
CORNER = (slice(None), slice(0, 4), slice(0, 4))


def read(folder: Path, spec: Spec, array: np.ndarray, change: Callable[[Any, int], object]) -> Volume:
    """Write stored numbers under changed headers and read them back."""
    for index in range(len(array)):
        dataset = dataset_of(replace(spec, array=array), index)
        change(dataset, index)
        write_slice(folder / f"IM{index}", dataset)
    return read_volume(folder)


def padded(spec: Spec, value: int) -> np.ndarray:
    array = spec.array.copy()
    array[CORNER] = value
    return array


def marks(first: int, last: int | None = None, vr: str = "US", **values: Any) -> Callable[[Any, int], None]:
    def change(dataset: Any, index: int) -> None:
        dataset.add_new(0x00280120, vr, first)
        if last is not None:
            dataset.add_new(0x00280121, vr, last)
        for name, value in values.items():
            setattr(dataset, name, value)

    return change


SIXTEEN = {"BitsStored": 16, "HighBit": 15}


@pytest.mark.parametrize(
    ("value", "change"),
    [
        (63536, marks(63536, **SIXTEEN)),
        (63536, marks(63536)),  # beyond the bits that are declared
        (0, marks(0)),
        (63000, marks(62000, 63536, **SIXTEEN)),
        (63000, marks(63536, 62000, **SIXTEEN)),
    ],
    ids=["above all", "beyond the bits", "lowest", "a range", "a range upside down"],
)
def test_padding_of_ct_is_air(tmp_path: Path, value: int, change: Callable[[Any, int], None]) -> None:
    volume = read(tmp_path, CT, padded(CT, value), change)
    expected = CT.array - 1024
    expected[CORNER] = -1024
    np.testing.assert_array_equal(volume.array, expected)
    assert volume.warnings == ()


@pytest.mark.parametrize("vr", ["SS", "US"])
def test_padding_of_signed_numbers_is_understood_whatever_its_type(tmp_path: Path, vr: str) -> None:
    spec = replace(MR, signed=True)
    mark = -2000 if vr == "SS" else 63536
    volume = read(tmp_path, spec, padded(spec, -2000), marks(mark, vr=vr))
    assert (volume.array[CORNER] == 0).all() and volume.array.min() == 0


def test_padding_of_mr_is_no_signal(tmp_path: Path) -> None:
    volume = read(tmp_path, MR, padded(MR, 65535), marks(65535, **SIXTEEN))
    assert (volume.array[CORNER] == 0).all() and volume.array.max() <= 3000


def test_a_padding_value_amid_the_others_is_no_padding(tmp_path: Path) -> None:
    """Some exporters name 0 in files whose 0 is water."""
    spec = replace(CT, array=CT.array - 1024, signed=True, intercept=0.0)
    spec.array[CORNER] = 0
    volume = read(tmp_path, spec, spec.array, marks(0, vr="SS"))
    np.testing.assert_array_equal(volume.array, spec.array)
    assert "marks 0 as padding, but other values lie below and above" in volume.warnings[0]


def test_padding_alone_is_left_as_it_is(tmp_path: Path) -> None:
    volume = read(tmp_path, MR, np.full_like(MR.array, 7), marks(7))
    assert (volume.array == 7).all()


def test_inverted_mr_is_turned_over_and_told(tmp_path: Path) -> None:
    inverse = MR.array.min() + MR.array.max() - MR.array
    volume = read(
        tmp_path, MR, inverse, lambda dataset, _: setattr(dataset, "PhotometricInterpretation", "MONOCHROME1")
    )
    np.testing.assert_array_equal(volume.array, MR.array)
    assert "MONOCHROME1" in volume.warnings[0]


def test_hounsfield_units_shown_inverted_keep_their_values_and_are_told(tmp_path: Path) -> None:
    volume = read(
        tmp_path,
        CT,
        CT.array,
        lambda dataset, _: setattr(dataset, "PhotometricInterpretation", "MONOCHROME1"),
    )
    np.testing.assert_array_equal(volume.array, CT.array - 1024)
    assert "MONOCHROME1" in volume.warnings[0]


@pytest.mark.parametrize("syntax", [None, RLELossless, JPEG2000Lossless, JPEGLSLossless])
@pytest.mark.parametrize("overlay", [True, False])
def test_bits_beyond_those_declared_do_not_count(tmp_path: Path, syntax: Any, overlay: bool) -> None:
    drawing = CT.array.copy()
    drawing[CORNER] |= 1 << 13

    def change(dataset: Any, index: int) -> None:
        if overlay:
            dataset.add_new(0x60000102, "US", 13)
        if syntax is not None:
            dataset.BitsStored, dataset.HighBit = 16, 15  # as archives that recompress it have it in the end
            dataset.compress(syntax, generate_instance_uid=False)
            dataset.BitsStored, dataset.HighBit = 12, 11

    volume = read(tmp_path, CT, drawing, change)
    np.testing.assert_array_equal(volume.array, CT.array - 1024)
    assert volume.array.dtype == np.int16
    if overlay:
        assert volume.warnings == ()
    else:
        assert "Some numbers take more than the 12 bits that the header declares" in volume.warnings[0]


def test_nothing_wraps_around(tmp_path: Path) -> None:
    array = MR.array.copy()
    array[2] = 40000
    volume = read(tmp_path, MR, array, lambda dataset, _: None)
    assert volume.array.min() >= 0 and volume.array.max() <= 4095
    assert "other bits were ignored" in volume.warnings[0]


@pytest.mark.parametrize("extended", [True, False], ids=["extended", "not extended"])
def test_signed_numbers_of_12_bits(tmp_path: Path, extended: bool) -> None:
    wanted = (MR.array - 1500).clip(-2048, 2047)
    spec = replace(MR, signed=True)
    stored = wanted if extended else wanted & 0xFFF

    def change(dataset: Any, index: int) -> None:
        dataset.BitsStored, dataset.HighBit = 12, 11

    volume = read(tmp_path, spec, stored.astype(np.int16), change)
    np.testing.assert_array_equal(volume.array, wanted)
    assert volume.warnings == ()


def test_numbers_kept_in_the_upper_bits(tmp_path: Path) -> None:
    volume = read(tmp_path, MR, MR.array << 4, lambda dataset, _: setattr(dataset, "HighBit", 15))
    np.testing.assert_array_equal(volume.array, MR.array)


def test_a_slope_of_zero_is_no_slope(tmp_path: Path) -> None:
    volume = read(tmp_path, MR, MR.array, lambda dataset, _: setattr(dataset, "RescaleSlope", 0))
    np.testing.assert_array_equal(volume.array, MR.array)


def test_each_slice_is_scaled_by_its_own_numbers(tmp_path: Path) -> None:
    def change(dataset: Any, index: int) -> None:
        dataset.RescaleSlope, dataset.RescaleIntercept = 0.5 + index / 4, -index

    volume = read(tmp_path, MR, MR.array, change)
    slopes, intercepts = 0.5 + np.arange(5) / 4, -np.arange(5.0)
    np.testing.assert_allclose(volume.array, MR.array * slopes[:, None, None] + intercepts[:, None, None])


def test_padding_of_an_inverted_series_is_dark(tmp_path: Path) -> None:
    inverse = MR.array.min() + MR.array.max() - MR.array
    inverse[CORNER] = 65535
    volume = read(tmp_path, MR, inverse, marks(65535, PhotometricInterpretation="MONOCHROME1", **SIXTEEN))
    inside = np.ones(MR.array.shape, bool)
    inside[CORNER] = False
    values = inverse[inside]
    np.testing.assert_array_equal(volume.array[inside], values.min() + values.max() - values)
    assert (volume.array[CORNER] == 0).all()
