"""Write DICOM series: drawn, small, with every trouble a scanner or an archive can make."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    EnhancedMRImageStorage,
    ExplicitVRLittleEndian,
    MRImageStorage,
    generate_uid,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

STUDY_UID = generate_uid(entropy_srcs=["study"])
FRAME_UID = generate_uid(entropy_srcs=["frame of reference"])
_STORAGE = {"CT": CTImageStorage, "MR": MRImageStorage}


@dataclass(frozen=True)
class Spec:
    """A series to write.

    `array` is (slice, row, column) of stored numbers; `step_mm` leads from slice to slice and may be aslant;
    all places and directions are (L, P, S).
    """

    array: np.ndarray
    origin_mm: tuple[float, ...] = (-20.0, -30.0, 5.0)
    row_direction: tuple[float, ...] = (1.0, 0.0, 0.0)
    column_direction: tuple[float, ...] = (0.0, 1.0, 0.0)
    step_mm: tuple[float, ...] = (0.0, 0.0, 2.5)
    spacing_mm: tuple[float, float] = (0.9, 0.7)
    modality: str = "CT"
    number: int = 4
    description: str = "Abdomen"
    slope: float = 1.0
    intercept: float = -1024.0
    signed: bool = False
    syntax: Any = ExplicitVRLittleEndian
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def uid(self) -> str:
        return str(generate_uid(entropy_srcs=[self.modality, str(self.number), self.description]))

    @property
    def affine_lps(self) -> np.ndarray:
        """(4, 4), from (slice, row, column) to (L, P, S) mm."""
        affine = np.eye(4)
        affine[:3, 0], affine[:3, 3] = self.step_mm, self.origin_mm
        affine[:3, 1] = np.multiply(self.column_direction, self.spacing_mm[0])
        affine[:3, 2] = np.multiply(self.row_direction, self.spacing_mm[1])
        return affine


def dataset_of(spec: Spec, index: int) -> Dataset:
    """One slice of a series, uncompressed."""
    dataset = Dataset()
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID = _STORAGE[spec.modality]
    dataset.SOPInstanceUID = generate_uid(entropy_srcs=[spec.uid, str(index)])
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta = meta
    dataset.PatientName, dataset.PatientID = "Phantom^Drawn", "P1"
    dataset.PatientBirthDate, dataset.PatientSex = "", ""
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = STUDY_UID, spec.uid
    dataset.FrameOfReferenceUID, dataset.PositionReferenceIndicator = FRAME_UID, ""
    dataset.StudyDate, dataset.StudyTime, dataset.StudyID = "20260101", "120000", "1"
    dataset.ReferringPhysicianName, dataset.AccessionNumber, dataset.Manufacturer = "", "", "none"
    dataset.Modality, dataset.SeriesNumber, dataset.SeriesDescription = (
        spec.modality, spec.number, spec.description,
    )  # fmt: skip
    dataset.InstanceNumber = index + 1
    dataset.ImagePositionPatient = [
        float(mm) for mm in np.add(spec.origin_mm, np.multiply(index, spec.step_mm))
    ]
    dataset.ImageOrientationPatient = [*spec.row_direction, *spec.column_direction]
    dataset.PixelSpacing = list(spec.spacing_mm)
    dataset.SliceThickness = float(np.linalg.norm(spec.step_mm))
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = spec.array.shape[1:]
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16 if spec.signed else 12, 11
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(spec.signed)
    dataset.RescaleSlope, dataset.RescaleIntercept = spec.slope, spec.intercept
    dataset.PixelData = spec.array[index].astype("<i2" if spec.signed else "<u2").tobytes()
    for name, value in spec.extra.items():
        setattr(dataset, name, value)
    return dataset


def write_slice(path: Path, dataset: Dataset, syntax: Any = ExplicitVRLittleEndian) -> Path:
    """Write one file, compressed where the syntax says so."""
    if syntax.is_compressed and syntax.name != "Deflated Explicit VR Little Endian":
        dataset.compress(syntax, generate_instance_uid=False)
    elif syntax != ExplicitVRLittleEndian:
        dataset.file_meta.TransferSyntaxUID = syntax
        if not syntax.is_little_endian:
            dataset.PixelData = np.frombuffer(dataset.PixelData, "<u2").astype(">u2").tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    dcmwrite(path, dataset, enforce_file_format=True)
    return path


def write_series(folder: Path, spec: Spec, leave_out: tuple[int, ...] = ()) -> Path:
    """Write a series, its files named so that their order tells nothing; return the folder."""
    order = np.random.default_rng(7).permutation(len(spec.array))
    for place, index in enumerate(order):
        if index not in leave_out:
            write_slice(folder / f"IM{spec.number:02d}{place:04d}", dataset_of(spec, int(index)), spec.syntax)
    return folder


def write_enhanced(
    path: Path, spec: Spec, frames: Sequence[tuple[np.ndarray, int, dict[str, dict[str, Any]]]]
) -> Path:
    """Write one file of many images: numbers (row, column), slice and groups of each."""
    dataset = dataset_of(spec, 0)
    for name in (
        "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness", "RescaleSlope",
        "RescaleIntercept",
    ):  # fmt: skip
        delattr(dataset, name)
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = EnhancedMRImageStorage
    dataset.NumberOfFrames = len(frames)
    dataset.PixelData = np.stack([array for array, _, _ in frames]).astype("<u2").tobytes()
    dataset.SharedFunctionalGroupsSequence = [
        _groups(
            {
                "PlaneOrientationSequence": {
                    "ImageOrientationPatient": [*spec.row_direction, *spec.column_direction]
                },
                "PixelMeasuresSequence": {"PixelSpacing": list(spec.spacing_mm)},
            }
        )
    ]
    places = [np.add(spec.origin_mm, np.multiply(index, spec.step_mm)) for _, index, _ in frames]
    dataset.PerFrameFunctionalGroupsSequence = [
        _groups({"PlanePositionSequence": {"ImagePositionPatient": list(map(float, place))}, **groups})
        for place, (_, _, groups) in zip(places, frames, strict=True)
    ]
    return write_slice(path, dataset)


def _groups(said: dict[str, dict[str, Any]]) -> Dataset:
    group = Dataset()
    for sequence, values in said.items():
        item = Dataset()
        for name, value in values.items():
            setattr(item, name, value)
        setattr(group, sequence, [item])
    return group
