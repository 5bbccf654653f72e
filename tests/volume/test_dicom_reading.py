from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

pydicom = pytest.importorskip("pydicom")

from pydicom.encaps import encapsulate  # noqa: E402
from pydicom.uid import (  # noqa: E402 - after the check that it is there
    JPEG2000,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
    generate_uid,
)

from napari_scd.errors import InputError  # noqa: E402
from napari_scd.volume import find_series, is_dicom, read_volume, write_volume  # noqa: E402
from napari_scd.volume.dicom import choose_series  # noqa: E402
from napari_scd.volume.dicom.decoding import decode  # noqa: E402
from napari_scd.volume.orientation import ras_from_spl, spl_from_lps  # noqa: E402

from ..dicom_writer import Spec, dataset_of, write_series, write_slice  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

# ``np.add.outer(np.arange(16) * 37, np.arange(16) * 91) % 4096``, encoded by OpenJPH.
_HTJ2K = base64.b85decode(
    "|4;u>04YEK0000G0000G00000000000000G0000G0000000000009pH0sl|{2mk^A000XAQUDA90ssL31q1{@0smY86Cj9?k"
    "dTm&kdTm&kdTmwh=~7W02crOPjF>!N>E53R%LP^FfKASE;BCwkN^q*00000fdB#jlfVEbZTkfWbN~Rr024p}699hx0*7<}qW"
    "%I0bO68r6TkoyfINBr0s?dZP@(<+V^jdZ02MF*1yGonn3$?@f^`6-BogVsApz{R0Kfn%-~bkgG#ZUYqtR&R%6fWn0(byO1VI"
    "o4LH_-OAba)@f$X{f|Je"
)

SHIPPED = Path(pydicom.__file__).parent / "data" / "test_files"


def drawn(shape: tuple[int, ...] = (7, 12, 10)) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 4096, shape)


def rotated(spec: Spec, degrees: float) -> Spec:
    """A series whose axes are turned by the same angle about all three."""
    from scipy.spatial.transform import Rotation

    turn = Rotation.from_euler("xyz", [degrees] * 3, degrees=True)
    parts = ("row_direction", "column_direction", "step_mm")
    return replace(spec, **{part: tuple(turn.apply(getattr(spec, part)).round(9)) for part in parts})


def test_a_ct_series_comes_in_hounsfield_units_upright(tmp_path: Path) -> None:
    spec = Spec(drawn())
    volume = read_volume(write_series(tmp_path / "ct", spec))
    np.testing.assert_array_equal(volume.array, spec.array - 1024)
    np.testing.assert_allclose(volume.affine, spl_from_lps(spec.affine_lps), atol=1e-9)
    assert volume.array.dtype == np.int16 and volume.warnings == ()


def test_any_file_stands_for_its_series(tmp_path: Path) -> None:
    folder = write_series(tmp_path, Spec(drawn()))
    write_series(tmp_path, Spec(drawn((5, 12, 10)), number=9, description="Other"))
    volume = read_volume(folder / "IM040003")
    assert volume.array.shape == (7, 12, 10) and volume.source is not None
    assert volume.source.path == folder / "IM040000"


@pytest.mark.parametrize("degrees", [0.0, 7.0, 40.0])
@pytest.mark.parametrize(
    ("row", "column", "step"),
    [
        ((1, 0, 0), (0, 1, 0), (0, 0, 2.5)),
        ((1, 0, 0), (0, 1, 0), (0, 0, -2.5)),
        ((1, 0, 0), (0, 0, -1), (0, 3.0, 0)),
        ((0, 1, 0), (0, 0, -1), (-1.5, 0, 0)),
        ((-1, 0, 0), (0, -1, 0), (0, 0, 2.0)),
    ],
)
def test_every_voxel_keeps_its_place(
    tmp_path: Path, row: tuple[float, ...], column: tuple[float, ...], step: tuple[float, ...], degrees: float
) -> None:
    plain = Spec(drawn(), row_direction=row, column_direction=column, step_mm=step)
    spec = rotated(plain, degrees)
    volume = read_volume(write_series(tmp_path / "s", spec))
    for index in ((0, 0, 0), (6, 11, 9), (2, 5, 1)):
        left, posterior, superior = (spec.affine_lps @ [*index, 1.0])[:3]
        at = volume.index_of((-left, -posterior, superior))
        np.testing.assert_allclose(at, at.round(), atol=1e-5)
        assert volume.array[tuple(at.round().astype(int))] == spec.array[index] - 1024


def test_nifti_of_a_series_lies_where_the_series_does(tmp_path: Path) -> None:
    spec = rotated(Spec(drawn()), 12)
    volume = read_volume(write_series(tmp_path / "s", spec))
    write_volume(tmp_path / "s.nii.gz", volume)
    again = read_volume(tmp_path / "s.nii.gz")
    np.testing.assert_array_equal(again.array, volume.array)
    np.testing.assert_allclose(ras_from_spl(again.affine), ras_from_spl(volume.affine), atol=1e-4)


@pytest.mark.parametrize(
    "syntax",
    [
        ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian, RLELossless,
        JPEGLSLossless, JPEG2000Lossless,
    ],
    ids=lambda uid: uid.keyword,
)  # fmt: skip
def test_lossless_transfer_syntaxes_give_the_same_voxels(tmp_path: Path, syntax: pydicom.uid.UID) -> None:
    spec = Spec(drawn((3, 32, 32)), syntax=syntax)
    volume = read_volume(write_series(tmp_path / "s", spec))
    np.testing.assert_array_equal(volume.array, spec.array - 1024)


def test_lossy_jpeg_2000_is_close(tmp_path: Path) -> None:
    smooth = np.add.outer(np.arange(3) * 9, np.add.outer(np.arange(64) * 20, np.arange(64) * 20))
    spec = Spec(smooth)
    for index in range(3):
        dataset = dataset_of(spec, index)
        dataset.compress(JPEG2000, j2k_cr=[4], generate_instance_uid=False)
        write_slice(tmp_path / "s" / f"{index}.dcm", dataset)
    assert np.abs(read_volume(tmp_path / "s").array - (smooth - 1024)).max() < 20


def test_high_throughput_jpeg_2000_gives_the_same_voxels(tmp_path: Path) -> None:
    one = np.add.outer(np.arange(16) * 37, np.arange(16) * 91) % 4096
    spec = Spec(np.stack([one] * 3))
    for index in range(3):
        dataset = dataset_of(spec, index)
        dataset.PixelData = encapsulate([_HTJ2K])
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
        dataset.file_meta.TransferSyntaxUID = HTJ2KLossless
        write_slice(tmp_path / "s" / f"{index}.dcm", dataset)
    np.testing.assert_array_equal(read_volume(tmp_path / "s").array, spec.array - 1024)


@pytest.mark.parametrize(
    ("name", "twin"),
    [
        ("MR_small_RLE.dcm", "MR_small.dcm"),
        ("MR_small_jp2klossless.dcm", "MR_small.dcm"),
        ("MR_small_jpeg_ls_lossless.dcm", "MR_small.dcm"),
        ("MR_small_bigendian.dcm", "MR_small.dcm"),
        ("MR_small_implicit.dcm", "MR_small.dcm"),
        ("MR_small_padded.dcm", "MR_small.dcm"),
    ],
)
def test_pydicoms_files_in_other_syntaxes_hold_the_same(name: str, twin: str) -> None:
    (one,), (two,) = decode(SHIPPED / name, [0]), decode(SHIPPED / twin, [0])
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("name", ["693_J2KI.dcm", "J2K_pixelrep_mismatch.dcm"])
def test_pydicoms_compressed_files_are_decoded(name: str) -> None:
    (stored,) = decode(SHIPPED / name, [0])
    assert stored.ndim == 2 and stored.max() > stored.min()


def test_a_syntax_without_decoder_is_named(caplog: pytest.LogCaptureFixture) -> None:
    try:
        (stored,) = decode(SHIPPED / "JPGExtended.dcm", [0])
    except InputError as error:
        assert "JPEG Extended" in str(error) and "pip install pylibjpeg-libjpeg" in str(error)
    else:  # that decoder is installed
        assert stored.shape == (1024, 256)
    assert not caplog.records


def test_jpeg_lossless_is_decoded() -> None:
    """The syntax most CT archives use; pydicom's own file of it is a colour one."""
    with pytest.raises(InputError, match="SC_rgb_jpeg_gdcm.dcm holds colours"):
        read_volume(SHIPPED / "SC_rgb_jpeg_gdcm.dcm")
    (stored,) = decode(SHIPPED / "SC_rgb_jpeg_gdcm.dcm", [0])
    assert stored.shape == (100, 100, 3)


def test_pydicoms_studies_are_listed_and_read() -> None:
    found = find_series(SHIPPED / "dicomdirtests" / "98892001")
    assert [(one.modality, len(one.images)) for one in found.series][-1] == ("CT", 5)
    volume = read_volume(SHIPPED / "dicomdirtests" / "98892001" / "CT5N" / "2062")
    assert volume.array.shape == (5, 16, 16) and volume.array.min() >= -1024


def test_a_single_image_has_a_thickness(tmp_path: Path) -> None:
    volume = read_volume(write_slice(tmp_path / "one.dcm", dataset_of(Spec(drawn()), 2)))
    assert volume.array.shape == (1, 12, 10) and volume.spacing_mm[0] == 2.5
    assert "one image only" in volume.warnings[0]


def test_rescaled_series_come_as_float(tmp_path: Path) -> None:
    spec = Spec(drawn(), modality="MR", slope=0.5, intercept=3.25)
    volume = read_volume(write_series(tmp_path / "s", spec))
    assert volume.array.dtype == np.float32
    np.testing.assert_allclose(volume.array, spec.array * 0.5 + 3.25)


def test_a_slope_of_each_slice_counts(tmp_path: Path) -> None:
    spec = Spec(drawn(), intercept=0.0)
    for index in range(len(spec.array)):
        dataset = dataset_of(spec, index)
        dataset.RescaleSlope = 1.0 + index / 4
        write_slice(tmp_path / "s" / f"{index}", dataset)
    expected = spec.array * (1.0 + np.arange(7) / 4)[:, None, None]
    np.testing.assert_allclose(read_volume(tmp_path / "s").array, expected)


def test_signed_numbers_stay_signed(tmp_path: Path) -> None:
    spec = Spec(drawn() - 2000, signed=True, intercept=0.0)
    volume = read_volume(write_series(tmp_path / "s", spec))
    np.testing.assert_array_equal(volume.array, spec.array)


def test_a_tilted_gantry_is_kept_and_told(tmp_path: Path) -> None:
    step = (0.0, 2.5 * np.tan(np.deg2rad(15)), 2.5)
    spec = Spec(drawn(), step_mm=step)
    volume = read_volume(write_series(tmp_path / "s", spec))
    np.testing.assert_allclose(volume.affine, spl_from_lps(spec.affine_lps), atol=1e-9)
    assert len(volume.warnings) == 1 and "at a slant of 15.0 degrees" in volume.warnings[0]


@pytest.mark.parametrize(
    ("left_out", "said"), [((3,), "1 slice is missing"), ((2, 3, 5), "3 slices are missing")]
)
def test_missing_slices_are_told(tmp_path: Path, left_out: tuple[int, ...], said: str) -> None:
    folder = write_series(tmp_path / "s", Spec(drawn((9, 12, 10))), leave_out=left_out)
    with pytest.raises(InputError, match=said):
        read_volume(folder)


def test_duplicate_slices_are_left_out(tmp_path: Path) -> None:
    spec = Spec(drawn())
    folder = write_series(tmp_path / "s", spec)
    write_slice(folder / "again", dataset_of(spec, 2))
    other = dataset_of(spec, 4)
    other.SOPInstanceUID = other.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    write_slice(folder / "sent twice", other)
    volume = read_volume(folder)
    np.testing.assert_array_equal(volume.array, spec.array - 1024)
    assert volume.warnings == ("Left out: again, sent twice (duplicate).",)


def test_two_images_in_one_place_are_told(tmp_path: Path) -> None:
    spec = Spec(drawn())
    folder = write_series(tmp_path / "s", spec)
    other = dataset_of(replace(spec, array=spec.array[::-1]), 1)
    other.SOPInstanceUID = generate_uid()
    write_slice(folder / "more", other)
    with pytest.raises(InputError, match="1 of 7 slice positions hold more or fewer"):
        read_volume(folder)


def test_uneven_slices_are_told(tmp_path: Path) -> None:
    spec = Spec(drawn())
    for index in range(7):
        dataset = dataset_of(spec, index)
        dataset.ImagePositionPatient[2] += 0.4 * (index == 3)
        write_slice(tmp_path / "slightly" / f"{index}", dataset)
        dataset.ImagePositionPatient[2] += 2.5 * (index > 3) - 0.9 * (index > 5)
        write_slice(tmp_path / "much" / f"{index}", dataset)
    assert (
        "by up to 0.34 mm; they are treated as evenly spaced"
        in read_volume(tmp_path / "slightly").warnings[0]
    )
    with pytest.raises(InputError, match=r"unevenly spaced, by 1\.6 to 4\.6 mm"):
        read_volume(tmp_path / "much")


def test_phases_are_frames(tmp_path: Path) -> None:
    spec = Spec(drawn(), intercept=0.0)
    for phase in range(2):
        for index in range(7):
            dataset = dataset_of(replace(spec, array=spec.array + 0 if phase else spec.array // 2), index)
            dataset.SOPInstanceUID = generate_uid(entropy_srcs=[str(phase), str(index)])
            dataset.AcquisitionNumber, dataset.InstanceNumber = phase + 1, 7 * phase + index + 1
            write_slice(tmp_path / "s" / f"{phase}-{index}", dataset)
    with pytest.raises(InputError, match="2 scans of one place .*: choose a frame from 0 to 1"):
        read_volume(tmp_path / "s")
    np.testing.assert_array_equal(read_volume(tmp_path / "s", frame=1).array, spec.array)
    both = read_volume(tmp_path / "s", channels=2)
    np.testing.assert_array_equal(both.array[0], spec.array // 2)
    with pytest.raises(InputError, match="The series has 2 channels, but this model needs 3 channels"):
        read_volume(tmp_path / "s", channels=3)


def test_several_series_are_listed_to_choose_from(tmp_path: Path) -> None:
    write_series(tmp_path / "a", Spec(drawn()))
    write_series(tmp_path / "b", Spec(drawn((5, 12, 10)), number=7, description="Thorax", modality="MR"))
    with pytest.raises(InputError) as caught:
        read_volume(tmp_path)
    assert "4: CT, Abdomen, 7 axial images; 7: MR, Thorax, 5 axial images" in str(caught.value)
    assert read_volume(tmp_path, series="7").array.shape == (5, 12, 10)
    with pytest.raises(InputError, match="no series '5'"):
        read_volume(tmp_path, series="5")


def test_a_scout_is_not_mistaken_for_the_scan(tmp_path: Path) -> None:
    write_series(tmp_path, Spec(drawn()))
    write_series(tmp_path, Spec(drawn((1, 20, 20)), number=1, description="Scout"))
    assert read_volume(tmp_path).array.shape == (7, 12, 10)


def test_mixed_directions_are_told_and_can_be_chosen(tmp_path: Path) -> None:
    axial = Spec(drawn())
    write_series(tmp_path, axial)
    for index in range(4):
        dataset = dataset_of(
            replace(axial, array=drawn((4, 9, 9)), row_direction=(1, 0, 0), column_direction=(0, 0, -1),
                    step_mm=(0, 3, 0)), index,
        )  # fmt: skip
        dataset.SOPInstanceUID = generate_uid()
        write_slice(tmp_path / f"coronal{index}", dataset)
    with pytest.raises(
        InputError, match=r"directions, sizes or passes \(4\.1: CT, .*axial.*; 4\.2: .*coronal"
    ):
        read_volume(tmp_path)
    assert read_volume(tmp_path, series="4.2").spatial_shape == (9, 4, 9)


def test_enhanced_ct_reads_as_its_slices_do(tmp_path: Path) -> None:
    legacy = pytest.importorskip("highdicom.legacy")
    spec = rotated(Spec(drawn()), 5)
    folder = write_series(tmp_path / "s", spec)
    slices = [pydicom.dcmread(file) for file in sorted(folder.iterdir())]
    enhanced = legacy.LegacyConvertedEnhancedCTImage(slices, generate_uid(), 5, generate_uid(), 1)
    enhanced.save_as(tmp_path / "enhanced.dcm")
    one, many = read_volume(tmp_path / "enhanced.dcm"), read_volume(folder)
    np.testing.assert_array_equal(one.array, many.array)
    np.testing.assert_allclose(one.affine, many.affine, atol=1e-6)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-90])


def _without(*names: str) -> Callable[[pydicom.Dataset], None]:
    def change(dataset: pydicom.Dataset) -> None:
        for name in names:
            delattr(dataset, name)

    return change


def test_a_truncated_slice_is_told_by_name(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "s", Spec(drawn()))
    _cut(folder / "IM040002")
    with pytest.raises(InputError, match="IM040002 is truncated or damaged"):
        read_volume(folder)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_without("ImagePositionPatient"), "7 files with images that have no position in space"),
        (_without("ImageOrientationPatient"), "7 files with images that have no position in space"),
        (_without("PixelSpacing"), "7 files with images that have no position in space"),
        (_without("Rows"), "holds no DICOM images"),
        (lambda dataset: setattr(dataset, "PixelSpacing", [0, 0]), "voxel size"),
        (
            lambda dataset: setattr(dataset, "ImageOrientationPatient", [1, 0, 0, 1, 0, 0]),
            "not at right angles",
        ),
        (lambda dataset: setattr(dataset, "Modality", "SR"), "holds no DICOM images"),
        (_without("PixelData"), "0 holds no pixels that can be read"),
    ],
)
def test_what_makes_no_volume_is_told(
    tmp_path: Path, change: Callable[[pydicom.Dataset], None], said: str
) -> None:
    spec = Spec(drawn())
    for index in range(7):
        dataset = dataset_of(spec, index)
        change(dataset)
        write_slice(tmp_path / "s" / f"{index}", dataset)
    with pytest.raises(InputError, match=said):
        read_volume(tmp_path / "s")


def test_other_files_are_no_dicom(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "note.txt").write_text("none")
    assert not is_dicom(tmp_path) and not is_dicom(tmp_path / "missing.dcm")
    (tmp_path / "fake.dcm").write_bytes(b"no header" * 40)
    assert is_dicom(tmp_path / "fake.dcm")
    with pytest.raises(InputError, match="holds no DICOM images"):
        read_volume(tmp_path / "fake.dcm")
    with pytest.raises(InputError, match="a folder without DICOM files"):
        read_volume(tmp_path / "empty")


def test_pydicoms_own_oddities_raise_nothing_but_a_sentence(tmp_path: Path) -> None:
    for number, file in enumerate(sorted(SHIPPED.glob("*.dcm"))):
        alone = tmp_path / str(number)
        alone.mkdir()
        (alone / file.name).symlink_to(file)
        try:
            read_volume(alone / file.name)
        except InputError as error:
            assert str(error).endswith(".") and "\n" not in str(error), file


def test_without_pydicom_there_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from napari_scd.volume.dicom import recognise

    def missing(name: str) -> None:
        raise ImportError(name)

    folder = write_series(tmp_path / "s", Spec(drawn()))
    monkeypatch.setattr(recognise, "import_module", missing)
    with pytest.raises(InputError, match=r"pydicom, which is missing; run: .*napari-scd\[dicom\]"):
        read_volume(folder)


def test_the_only_series_needs_no_choice(tmp_path: Path) -> None:
    found = find_series(write_series(tmp_path / "s", Spec(drawn())))
    assert choose_series(found, None, "s") is found.series[0]
    assert found.series[0].summary == "4: CT, Abdomen, 7 axial images"
