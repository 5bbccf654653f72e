"""Conditions that users of neighbouring tools have reported, rebuilt with drawn data.

Each test names the report it follows; docs/robustness.md lists them.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
import pytest

pydicom = pytest.importorskip("pydicom")
hd = pytest.importorskip("highdicom")

from pydicom.sr.codedict import codes  # noqa: E402 - after the check that it is there
from pydicom.uid import JPEG2000Lossless, generate_uid  # noqa: E402

from napari_scd.errors import ChooseSeries, InputError, Unreadable  # noqa: E402
from napari_scd.volume import paste, read_label_table, read_labels, read_volume  # noqa: E402

from ..dicom_writer import Spec, dataset_of, write_series, write_slice  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_scd.volume import Volume

    Change = Callable[[Any, int], object]

CT = Spec(np.random.default_rng(8).integers(0, 4000, (9, 32, 32)))
MR = replace(CT, modality="MR", intercept=0.0)


def series(folder: Path, change: Change, spec: Spec = CT) -> Path:
    for index in range(len(spec.array)):
        dataset = dataset_of(spec, index)
        change(dataset, index)
        write_slice(folder / f"IM{index}", dataset)
    return folder


def exact(volume: Volume, wanted: np.ndarray) -> None:
    np.testing.assert_array_equal(volume.array, wanted)


def test_a_rotation_a_millionth_too_long(tmp_path: Path) -> None:
    """nibabel 626: the MICCAI 2012 brains; the quaternion was written with six digits."""
    image = nib.Nifti1Image(np.arange(60, dtype=np.int16).reshape(3, 4, 5), None)
    image.set_qform(np.array([[-2.0, 0, 0, 5], [0, 0, 2, 7], [0, 2, 0, 9], [0, 0, 0, 1]]), 1)
    image.to_filename(tmp_path / "good.nii")
    good = read_volume(tmp_path / "good.nii")
    raw = bytearray((tmp_path / "good.nii").read_bytes())
    assert struct.unpack_from("<3f", raw, 256) == pytest.approx((0.0, 0.7071068, 0.7071068))
    struct.pack_into("<3f", raw, 256, 0.0, 0.707107, 0.7071070)
    (tmp_path / "odd.nii").write_bytes(raw)
    volume = read_volume(tmp_path / "odd.nii")
    exact(volume, good.array)
    np.testing.assert_allclose(volume.affine, good.affine, atol=1e-4)


def test_every_slice_with_a_series_identifier_of_its_own(tmp_path: Path) -> None:
    """medInria 156."""
    folder = series(tmp_path / "s", lambda dataset, _: setattr(dataset, "SeriesInstanceUID", generate_uid()))
    volume = read_volume(folder)
    exact(volume, CT.array - 1024)
    assert volume.warnings[0].startswith("Each slice says that it is a series of its own")
    other = dataset_of(replace(CT, array=CT.array[:, :9]), 3)
    other.SeriesInstanceUID = generate_uid()
    write_slice(folder / "other", other)
    assert "other (another series" in read_volume(folder).warnings[-1]


def test_one_slice_in_another_direction(tmp_path: Path) -> None:
    """rse-panimg 126: a picture of the planning, kept in the series."""
    folder = series(tmp_path / "s", lambda dataset, _: None)
    dataset = dataset_of(CT, 4)
    dataset.SOPInstanceUID, dataset.ImageOrientationPatient = generate_uid(), [0, 1, 0, 0, 0, -1]
    write_slice(folder / "IM9", dataset)
    volume = read_volume(folder)
    exact(volume, CT.array - 1024)
    assert volume.warnings == ("Left out: IM9 (another series: 4.2: CT, Abdomen, 1 sagittal image).",)


def test_acquisition_numbers_that_differ_within_a_scan(tmp_path: Path) -> None:
    """Slicer 4872."""
    folder = series(tmp_path / "s", lambda dataset, index: setattr(dataset, "AcquisitionNumber", index % 4))
    exact(read_volume(folder), CT.array - 1024)


def test_some_images_of_many_scans_are_lost(tmp_path: Path) -> None:
    """dcm2niix 379: 33 images in some places, 34 in others."""
    for scan in range(4):
        for index in range(9):
            if (scan, index) not in ((1, 3), (2, 7)):
                dataset = dataset_of(MR, index)
                dataset.SOPInstanceUID, dataset.AcquisitionNumber = generate_uid(), scan + 1
                dataset.PixelData = (MR.array[index] // 2 + scan).astype("<u2").tobytes()
                write_slice(tmp_path / f"IM{scan}{index}", dataset)
    with pytest.raises(InputError, match="2 of 9 slice positions hold more or fewer images"):
        read_volume(tmp_path, frame=0)


def test_no_instance_numbers(tmp_path: Path) -> None:
    """dcm2niix 341."""
    exact(
        read_volume(series(tmp_path, lambda dataset, _: delattr(dataset, "InstanceNumber"))), CT.array - 1024
    )


def test_an_unsigned_codestream_of_signed_numbers(tmp_path: Path) -> None:
    """Pydicom 1149: JPEG 2000 says unsigned, the header says signed; 13 bits."""
    wanted = CT.array - 2000

    def change(dataset: Any, index: int) -> None:
        dataset.BitsStored, dataset.HighBit = 13, 12
        dataset.PixelData = (wanted[index] & 0x1FFF).astype("<u2").tobytes()
        dataset.compress(JPEG2000Lossless, generate_instance_uid=False)
        dataset.PixelRepresentation = 1

    exact(read_volume(series(tmp_path, change, MR)), wanted)


def test_pixels_of_undefined_length_that_are_not_compressed(tmp_path: Path) -> None:
    """Pydicom 1942."""
    for path in series(tmp_path, lambda dataset, _: None).iterdir():
        raw = path.read_bytes()
        at = raw.rindex(b"\xe0\x7f\x10\x00OW") + 8
        path.write_bytes(raw[:at] + b"\xff" * 4 + raw[at + 4 :])
    with pytest.raises(Unreadable, match=r"IM\d (holds no pixels that can be read|is truncated or damaged)"):
        read_volume(tmp_path)


@pytest.mark.parametrize("lost", ["meta", "syntax"])
def test_file_headers_that_are_missing_or_wrong(tmp_path: Path, lost: str) -> None:
    """Pydicom 503 and 341: no file header, or one that names another transfer syntax."""
    for path in series(tmp_path, lambda dataset, _: None).iterdir():
        raw = path.read_bytes()
        if lost == "syntax":
            path.write_bytes(raw.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2\0\0\0", 1))
            continue
        length = struct.unpack_from("<I", raw, 140)[0]
        path.write_bytes(raw[:132] + raw[144 + length :])
    exact(read_volume(tmp_path), CT.array - 1024)


@pytest.fixture
def enhanced(tmp_path: Path) -> Callable[..., Path]:
    """Give ``enhanced(change, specs)``: one file with a frame for each image, changed frame by frame."""
    legacy = pytest.importorskip("highdicom.legacy")

    def make(change: Callable[[Any, int, int], object], *specs: Spec) -> Path:
        files = []
        for scan, spec in enumerate(specs):
            for index in range(len(spec.array)):
                dataset = dataset_of(spec, index)
                dataset.SOPInstanceUID = generate_uid()
                dataset.InstanceNumber = 1 + scan + len(specs) * index
                files.append(pydicom.dcmread(write_slice(tmp_path / f"{scan}-{index}.dcm", dataset)))
        whole = legacy.LegacyConvertedEnhancedMRImage(files, generate_uid(), 5, generate_uid(), 1)
        shared = whole.SharedFunctionalGroupsSequence[0]
        for name in ("PixelValueTransformationSequence", "PlaneOrientationSequence"):
            item = shared[name].value if name in shared else None
            for frame in whole.PerFrameFunctionalGroupsSequence:
                if item is not None:
                    setattr(frame, name, item)
            if item is not None:
                delattr(shared, name)
        for frame, pixels in zip(whole.PerFrameFunctionalGroupsSequence, whole.pixel_array, strict=True):
            mm = float(frame.PlanePositionSequence[0].ImagePositionPatient[2])
            index = round((mm - specs[0].origin_mm[2]) / specs[0].step_mm[2])
            scan = [np.array_equal(pixels, spec.array[index]) for spec in specs].index(True)
            change(frame, index, scan)
        whole.save_as(tmp_path / "enhanced.dcm")
        return tmp_path / "enhanced.dcm"

    return make


def item_of(**values: Any) -> list[Any]:
    item = pydicom.Dataset()
    for name, value in values.items():
        setattr(item, name, value)
    return [item]


def test_a_scale_of_each_frame(enhanced: Callable[..., Path]) -> None:
    """dcm2niix 363: Philips scales every slice anew."""

    def change(frame: Any, index: int, scan: int) -> None:
        frame.PixelValueTransformationSequence = item_of(
            RescaleSlope=0.5 + index / 4, RescaleIntercept=-index, RescaleType="US"
        )

    volume = read_volume(enhanced(change, MR))
    slope, intercept = 0.5 + np.arange(9) / 4, -np.arange(9.0)
    np.testing.assert_allclose(volume.array, MR.array * slope[:, None, None] + intercept[:, None, None])


def test_magnitude_and_phase_in_one_file(enhanced: Callable[..., Path]) -> None:
    """dcm2niix 1033: MIXED; only the frames say which of the two they are."""

    def change(frame: Any, index: int, scan: int) -> None:
        component = ("MAGNITUDE", "PHASE")[(scan + index) % 2]  # the numbers of the frames tell nothing
        frame.MRImageFrameTypeSequence = item_of(
            FrameType=["ORIGINAL", "PRIMARY", "M", "NONE"], ComplexImageComponent=component
        )
        if "FrameContentSequence" in frame:
            del frame.FrameContentSequence

    other = replace(MR, array=MR.array // 3)
    path = enhanced(change, MR, other)
    wanted = np.stack([(MR.array, other.array)[index % 2][index] for index in range(9)])
    exact(read_volume(path, frame=0), wanted)


def test_three_directions_in_one_file(enhanced: Callable[..., Path]) -> None:
    """dcm2niix 894: a localizer, stacked into one volume."""
    directions = ([1, 0, 0, 0, 1, 0], [1, 0, 0, 0, 0, -1], [0, 1, 0, 0, 0, -1])

    def change(frame: Any, index: int, scan: int) -> None:
        frame.PlaneOrientationSequence = item_of(ImageOrientationPatient=directions[index // 3])
        place = [0.0, 0.0, 0.0]
        place[(2, 1, 0)[index // 3]] = 5.0 * (index % 3)
        frame.PlanePositionSequence = item_of(ImagePositionPatient=place)

    with pytest.raises(ChooseSeries) as caught:
        read_volume(enhanced(change, MR))
    assert {text.split()[-2] for text in caught.value.series} == {"axial", "coronal", "sagittal"}


def test_one_frame_of_a_dynamic_scan_with_another_component(tmp_path: Path) -> None:
    """dcm2niix 416: one image of an ADNI scan claims to be REAL; the scans are numbered all the same."""
    for scan in range(3):
        for index in range(9):
            dataset = dataset_of(replace(MR, array=MR.array // (scan + 1)), index)
            dataset.SOPInstanceUID, dataset.TemporalPositionIdentifier = generate_uid(), scan + 1
            dataset.InstanceNumber = 3 * index + scan
            dataset.EchoTime = 30.0000991821289 if (scan, index) == (1, 4) else 30
            if (scan, index) == (1, 4):
                dataset.ComplexImageComponent = "REAL"
            write_slice(tmp_path / f"{scan}-{index}", dataset)
    exact(read_volume(tmp_path, frame=1), MR.array // 2)


LABELS = np.zeros((8, 13, 12), np.uint8)
LABELS[2:6, 3:9, 2:7] = 1
LABELS[3, 0, 0] = LABELS[4, 12, 11] = 1


@pytest.fixture
def scan(tmp_path: Path) -> Volume:
    return read_volume(write_series(tmp_path / "scan", Spec(CT.array[:8, :13, :12])))


def segmentation(
    folder: Path, scan: Volume, labels: np.ndarray, change: Callable[[Any], object], **options: Any
) -> Path:
    assert scan.source is not None
    described = hd.seg.SegmentDescription(
        1, "one", codes.SCT.AnatomicalStructure, codes.SCT.Kidney, hd.seg.SegmentAlgorithmTypeValues.MANUAL
    )
    dataset = hd.seg.Segmentation(
        [pydicom.dcmread(image.path) for image in scan.source.images], labels, "BINARY", [described],
        generate_uid(), 9, generate_uid(), 1, "maker", "model", "1", "0", **options,
    )  # fmt: skip
    change(dataset)
    dataset.save_as(folder / "theirs.dcm")
    return folder / "theirs.dcm"


def pad_every_frame(dataset: Any) -> None:
    frames = dataset.pixel_array
    packed = b"".join(np.packbits(frame.ravel(), bitorder="little").tobytes() for frame in frames)
    dataset.PixelData = packed + b"\0" * (len(packed) % 2)


def name_the_segment_once(dataset: Any) -> None:
    dataset.SegmentSequence[0].SegmentNumber = 3
    dataset.SharedFunctionalGroupsSequence[0].SegmentIdentificationSequence = item_of(
        ReferencedSegmentNumber=3
    )
    for frame in dataset.PerFrameFunctionalGroupsSequence:
        if "SegmentIdentificationSequence" in frame:
            del frame.SegmentIdentificationSequence


def forget_labels(dataset: Any) -> None:
    for name in (
        "SegmentLabel",
        "SegmentDescription",
        "SegmentAlgorithmType",
        "SegmentedPropertyTypeCodeSequence",
    ):
        if name in dataset.SegmentSequence[0]:
            delattr(dataset.SegmentSequence[0], name)


def share_nothing(dataset: Any) -> None:
    shared = dataset.SharedFunctionalGroupsSequence[0]
    for frame in dataset.PerFrameFunctionalGroupsSequence:
        frame.update({element.tag: element for element in shared})
    del dataset.SharedFunctionalGroupsSequence
    references = dataset.ReferencedSeriesSequence[0].ReferencedInstanceSequence
    references.append(references[0])


def share_the_position(dataset: Any) -> None:
    (frame,) = dataset.PerFrameFunctionalGroupsSequence
    dataset.SharedFunctionalGroupsSequence[0].PlanePositionSequence = frame.PlanePositionSequence
    del frame.PlanePositionSequence


@pytest.mark.parametrize(
    ("change", "options"),
    [
        (pad_every_frame, {}),
        (name_the_segment_once, {}),
        (forget_labels, {}),
        (share_nothing, {}),
        (share_the_position, {}),
        (lambda dataset: None, {"omit_empty_frames": False}),
    ],
    ids=["dcmqi 341", "dcmqi 428", "MONAI 6928", "highdicom 344", "wsidicom 15", "OHIF 1643"],
)
def test_segmentations_of_other_programs(
    tmp_path: Path, scan: Volume, change: Callable[[Any], object], options: dict[str, Any]
) -> None:
    """Frames padded to bytes; a segment named once for all; no labels; nothing shared; empty frames."""
    labels = LABELS.copy()
    if change is share_the_position:
        labels[:4], labels[5:] = 0, 0
    path = segmentation(tmp_path, scan, labels, change, **options)
    number = 3 if change is name_the_segment_once else 1
    np.testing.assert_array_equal(paste(read_labels(path), scan).array, labels * number)
    table = read_label_table(path)
    assert table is not None and table.indices == (number,)
