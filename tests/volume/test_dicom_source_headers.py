"""A DICOM segmentation is written whatever the scan's header lacks or scrambles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pydicom = pytest.importorskip("pydicom")
hd = pytest.importorskip("highdicom")

from pydicom.uid import generate_uid  # noqa: E402 - after the check that it is there

from napari_scd.errors import InputError  # noqa: E402
from napari_scd.volume import (  # noqa: E402
    LabelTable,
    Volume,
    check_labels_writable,
    paste,
    read_labels,
    read_volume,
    write_labels,
    write_volume,
)

from ..dicom_writer import Spec, dataset_of, write_series, write_slice  # noqa: E402
from .test_dicom_reading import drawn  # noqa: E402
from .test_dicom_segmentation import boxes  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Change = Callable[[Any], object]

SPEC = Spec(drawn())


def scan_of(folder: Path, change: Change) -> Volume:
    for index in range(len(SPEC.array)):
        dataset = dataset_of(SPEC, index)
        change(dataset)
        write_slice(folder / f"IM{index}", dataset)
    return read_volume(folder)


def written(tmp_path: Path, change: Change) -> Any:
    """Write labels of a changed scan, see them come back, and return the segmentation's header."""
    scan = scan_of(tmp_path / "ct", change)
    labels = boxes(scan.spatial_shape)
    check_labels_writable(tmp_path / "out.dcm", scan)
    table = LabelTable.from_names(["spleen", "right kidney", "left kidney", "new\\thing"])
    write_labels(tmp_path / "out.dcm", Volume(labels, scan.affine), like=scan, table=table)
    np.testing.assert_array_equal(paste(read_labels(tmp_path / "out.dcm"), scan).array, labels)
    return pydicom.dcmread(tmp_path / "out.dcm")


def without(name: str) -> Change:
    return lambda dataset: delattr(dataset, name)


def emptied(name: str) -> Change:
    return lambda dataset: setattr(dataset, name, None)


NAMES = (
    "AccessionNumber", "StudyID", "StudyDate", "StudyTime", "PatientBirthDate", "PatientSex", "PatientID",
    "PatientName", "ReferringPhysicianName", "StudyInstanceUID", "SliceThickness", "FrameOfReferenceUID",
    "PositionReferenceIndicator", "SOPInstanceUID", "SOPClassUID", "SeriesInstanceUID", "SeriesNumber",
    "InstanceNumber", "Manufacturer", "SeriesDescription",
)  # fmt: skip


@pytest.mark.parametrize("change", [without, emptied], ids=["deleted", "emptied"])
@pytest.mark.parametrize("name", NAMES)
def test_what_is_missing_is_filled_in(tmp_path: Path, name: str, change: Callable[[str], Change]) -> None:
    result = written(tmp_path, change(name))
    for needed in ("PatientName", "PatientID", "StudyDate", "AccessionNumber", "StudyInstanceUID"):
        assert needed in result
    assert pydicom.uid.UID(result.FrameOfReferenceUID).is_valid
    assert pydicom.uid.UID(result.StudyInstanceUID).is_valid


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PatientSex", "X"),
        ("PatientBirthDate", "19700101-"),
        ("StudyTime", "8 o'clock"),
        ("StudyDate", "2026.01.01"),
        ("SeriesNumber", 2147483000),
        ("SeriesNumber", -3),
        ("AccessionNumber", "A" * 70),
        ("PatientID", "a\\b"),
        ("StudyInstanceUID", "anonymous"),
    ],
)
def test_what_is_not_legal_is_left_out(tmp_path: Path, name: str, value: Any) -> None:
    with pydicom.config.disable_value_validation():
        result = written(tmp_path, lambda dataset: setattr(dataset, name, value))
    assert result.SeriesNumber >= 1
    if name in ("PatientSex", "PatientBirthDate", "StudyTime", "StudyDate"):
        assert not result.get(name)


def test_scrambled_class_identifiers_are_kept_in_the_references(tmp_path: Path) -> None:
    scrambled = "1.2.826.0.1.3680043.8.498.31"

    def change(dataset: Any) -> None:
        dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = scrambled

    result = written(tmp_path, change)
    frame = result.PerFrameFunctionalGroupsSequence[0]
    source = frame.DerivationImageSequence[0].SourceImageSequence[0]
    assert source.ReferencedSOPClassUID == scrambled
    uids = {pydicom.dcmread(path).SOPInstanceUID for path in (tmp_path / "ct").iterdir()}
    assert {item.ReferencedSOPInstanceUID for item in result.SourceImageSequence} == uids
    assert result.PerFrameFunctionalGroupsSequence[0] is frame


@pytest.mark.parametrize("name", ["StudyInstanceUID", "SOPInstanceUID"])
def test_odd_identifiers_raise_no_warning(
    tmp_path: Path, recwarn: pytest.WarningsRecorder, name: str
) -> None:
    with pydicom.config.disable_value_validation():
        scan = scan_of(tmp_path / "ct", lambda dataset: setattr(dataset, name, "1." * 40 + "x"))
    recwarn.clear()
    check_labels_writable(tmp_path / "out.dcm", scan)
    assert not recwarn.list


@pytest.mark.parametrize(
    ("tag", "kind", "damaged"), [("10001000", b"PN", b"P\xaa"), ("10004000", b"CS", b"GS")]
)
def test_entries_of_damaged_bytes_raise_nothing(
    tmp_path: Path, tag: str, kind: bytes, damaged: bytes
) -> None:
    scan_of(tmp_path / "ct", lambda dataset: None)
    for path in (tmp_path / "ct").iterdir():
        raw = path.read_bytes()
        start = bytes.fromhex(tag)  # of the patient's name and sex; types that do not exist
        assert start + kind in raw
        path.write_bytes(raw.replace(start + kind, start + damaged, 1))
    scan = read_volume(tmp_path / "ct")
    write_labels(tmp_path / "out.dcm", Volume(boxes(scan.spatial_shape), scan.affine), like=scan)
    assert str(pydicom.dcmread(tmp_path / "out.dcm").PatientName) == "Phantom^Drawn"


def test_one_identifier_for_all_slices_is_no_obstacle(tmp_path: Path) -> None:
    written(tmp_path, lambda dataset: setattr(dataset, "SOPInstanceUID", "1.2.3.4"))


def test_a_frame_of_reference_scrambled_slice_by_slice_is_no_obstacle(tmp_path: Path) -> None:
    written(tmp_path, lambda dataset: setattr(dataset, "FrameOfReferenceUID", generate_uid()))


@pytest.mark.parametrize(
    ("charset", "name"),
    [
        ("ISO_IR 100", "Müller^Åsa"),
        ("ISO_IR 192", "Łukasz^Żółć"),
        ("GB18030", "王^小东"),
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        (["", "ISO 2022 IR 149"], "Hong^Gildong=洪^吉洞=홍^길동"),
        ("ISO_IR 144", "Люксембург"),
    ],
    ids=["Latin", "UTF-8", "Chinese", "Japanese", "Korean", "Cyrillic"],
)
def test_names_in_every_script_are_kept(tmp_path: Path, charset: Any, name: str) -> None:
    def change(dataset: Any) -> None:
        dataset.SpecificCharacterSet = charset
        dataset.PatientName = name

    result = written(tmp_path, change)
    assert str(result.PatientName) == name and result.SpecificCharacterSet == "ISO_IR 192"


@pytest.mark.parametrize(("raw", "name"), [(b"M\xfcller^\xc5sa", "Müller^Åsa"), ("Łuka".encode(), "Łuka")])
def test_names_in_bytes_of_no_declared_script_are_guessed(tmp_path: Path, raw: bytes, name: str) -> None:
    def change(dataset: Any) -> None:
        dataset.PatientName = "Q" * len(raw)

    scan_of(tmp_path / "ct", change)
    for path in (tmp_path / "ct").iterdir():
        path.write_bytes(path.read_bytes().replace(b"Q" * len(raw), raw))
    scan = read_volume(tmp_path / "ct")
    write_labels(tmp_path / "out.dcm", Volume(boxes(scan.spatial_shape), scan.affine), like=scan)
    assert str(pydicom.dcmread(tmp_path / "out.dcm").PatientName) == name


def test_series_of_rounded_headers_have_segmentations(tmp_path: Path) -> None:
    count = iter(range(100))

    def change(dataset: Any) -> None:
        if next(count) % 2:
            dataset.ImageOrientationPatient = [1, 0.0004, 0, -0.0004, 1, 0]
            dataset.PixelSpacing = ["0.90001", "0.7"]
            dataset.ImagePositionPatient[2] = round(float(dataset.ImagePositionPatient[2]) + 0.04, 1)

    written(tmp_path, change)


def test_files_of_many_images_are_named_with_the_image(tmp_path: Path) -> None:
    legacy = pytest.importorskip("highdicom.legacy")
    folder = write_series(tmp_path / "s", SPEC)
    slices = sorted(map(pydicom.dcmread, folder.iterdir()), key=lambda one: one.ImagePositionPatient[2])
    enhanced = legacy.LegacyConvertedEnhancedCTImage(slices, generate_uid(), 5, generate_uid(), 1)
    enhanced.save_as(tmp_path / "enhanced.dcm")
    scan = read_volume(tmp_path / "enhanced.dcm")
    labels = boxes(scan.spatial_shape)
    write_labels(tmp_path / "out.dcm", Volume(labels, scan.affine), like=scan)
    result = pydicom.dcmread(tmp_path / "out.dcm")
    (source,) = result.SourceImageSequence
    assert source.ReferencedSOPInstanceUID == enhanced.SOPInstanceUID
    positions = [
        item.PlanePositionSequence[0].ImagePositionPatient
        for item in enhanced.PerFrameFunctionalGroupsSequence
    ]
    for frame in result.PerFrameFunctionalGroupsSequence:
        number = frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber
        assert np.allclose(positions[int(number) - 1], frame.PlanePositionSequence[0].ImagePositionPatient)


def test_what_cannot_have_a_segmentation_is_told_before_anything_is_computed(tmp_path: Path) -> None:
    scan = read_volume(write_series(tmp_path / "ct", SPEC))
    check_labels_writable(tmp_path / "out.dcm", scan)
    check_labels_writable(tmp_path / "out.nii.gz", scan)
    write_volume(tmp_path / "scan.nii.gz", scan)
    nifti = read_volume(tmp_path / "scan.nii.gz")
    check_labels_writable(tmp_path / "out.nii.gz", nifti)
    with pytest.raises(InputError, match="this scan is not DICOM"):
        check_labels_writable(tmp_path / "out.dcm", nifti)
    with pytest.raises(InputError, match="unknown ending"):
        check_labels_writable(tmp_path / "out.png", nifti)
    assert not list(tmp_path.glob("out.*"))


def test_headers_that_highdicom_refuses_become_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = read_volume(write_series(tmp_path / "ct", SPEC))

    def refuse(**_: object) -> None:
        raise KeyError("an attribute nobody has heard of")

    monkeypatch.setattr(hd.seg, "Segmentation", refuse)
    with pytest.raises(InputError, match="headers of the scan cannot be turned into .* nobody has heard of"):
        check_labels_writable(tmp_path / "out.dcm", scan)
