"""What the header of a DICOM file says of each of its images; one image a file, or many (enhanced CT, MR)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from napari_scd.errors import InputError
from napari_scd.volume.dicom.recognise import library, quiet_pydicom

if TYPE_CHECKING:
    from pathlib import Path

_TAGS = (
    "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "SeriesNumber", "SeriesDescription", "Modality",
    "InstanceNumber", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness",
    "SpacingBetweenSlices", "Rows", "Columns", "NumberOfFrames", "SamplesPerPixel", "BitsStored",
    "PixelRepresentation", "RescaleSlope", "RescaleIntercept", "TemporalPositionIdentifier",
    "AcquisitionNumber", "EchoNumbers", "EchoTime", "TriggerTime", "DiffusionBValue", "AcquisitionTime",
    "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence",
)  # fmt: skip
_NO_SCANS = ("SEG", "RTSTRUCT", "RTPLAN", "RTDOSE", "SR", "PR", "KO", "REG", "DOC", "SM")


class SeriesHead(NamedTuple):
    """What all images of a series share."""

    uid: str
    number: int
    description: str
    modality: str


class StackKey(NamedTuple):
    """What images must share to be stacked: size, voxel size, direction."""

    shape: tuple[int, int]
    spacing_mm: tuple[float, ...]
    orientation: tuple[float, ...]


class Image(NamedTuple):
    """One image of a series.

    Parameters
    ----------
    path, frame
        The file, and which of its images, from 0.
    uid
        The SOPInstanceUID.
    position_mm
        (L, P, S) of the first voxel's centre; empty when the file does not say where it lies.
    orientation
        Direction in which the column index grows, then the row index, each (L, P, S).
    spacing_mm
        Distance between rows, between columns.
    thickness_mm
        Of the slice, or the distance to the next where that is said; 0 when neither is.
    shape
        Rows, columns.
    slope, intercept
        From stored to meant values.
    number
        The InstanceNumber.
    moment
        What tells apart images of one place: time, acquisition, echo, diffusion weight.
    bits, signed
        Bits stored; whether they hold negative numbers.
    samples
        Numbers in each pixel: 1 for a scan, 3 for colours.
    """

    series: SeriesHead
    path: Path
    frame: int
    uid: str
    position_mm: tuple[float, ...]
    orientation: tuple[float, ...]
    spacing_mm: tuple[float, ...]
    thickness_mm: float
    shape: tuple[int, int]
    slope: float
    intercept: float
    number: int
    moment: tuple[float, ...]
    bits: int
    signed: bool
    samples: int

    @property
    def stack(self) -> StackKey:
        """What images must share with this one to be stacked with it."""
        return StackKey(self.shape, tuple(round(mm, 4) for mm in self.spacing_mm), self.orientation)


def read_header(path: Path, tags: tuple[str, ...] = _TAGS) -> Any:
    """Read some entries of a DICOM file's header, None when the file is no DICOM file.

    Raises
    ------
    InputError
        When pydicom is missing.
    """
    pydicom = library("pydicom")
    try:
        with quiet_pydicom():
            header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(tags), force=True)
        return header if "SOPClassUID" in header else None
    except Exception:  # whatever the bytes of a stranger make the parser say
        return None


def read_images(path: Path) -> list[Image]:
    """Return the images of a DICOM file: none when it holds no scan (a report, a plan, a segmentation).

    Raises
    ------
    InputError
        When pydicom is missing.
    """
    header = read_header(path)
    if header is None or not header.get("Rows") or header.get("Modality") in _NO_SCANS:
        return []
    try:
        with quiet_pydicom():
            return _images_of(header, path)
    except (ValueError, TypeError, AttributeError, IndexError, OverflowError) as error:
        raise InputError(f"{path.name} has a damaged DICOM header; export it again.") from error


def _images_of(header: Any, path: Path) -> list[Image]:
    head = SeriesHead(
        str(header.get("SeriesInstanceUID", "")),
        _whole(header.get("SeriesNumber")),
        str(header.get("SeriesDescription") or "").strip(),
        str(header.get("Modality") or "").strip(),
    )
    frames = header.get("PerFrameFunctionalGroupsSequence")
    shared = (header.get("SharedFunctionalGroupsSequence") or [None])[0]
    if frames:
        return [_image(head, path, header, i, (frame, shared)) for i, frame in enumerate(frames)]
    count = max(_whole(header.get("NumberOfFrames")), 1)
    return [_image(head, path, header, frame, (header,), placed=count == 1) for frame in range(count)]


def _image(
    head: SeriesHead, path: Path, header: Any, frame: int, groups: tuple[Any, ...], placed: bool = True
) -> Image:
    """Gather what is said of one image, by the frame itself before what all frames share."""
    said = _Said((*groups, header))
    position = said.numbers("ImagePositionPatient", "PlanePositionSequence", 3)
    orientation = said.numbers("ImageOrientationPatient", "PlaneOrientationSequence", 6)
    spacing = said.numbers("PixelSpacing", "PixelMeasuresSequence", 2)
    between = said.number("SpacingBetweenSlices", "PixelMeasuresSequence", 0.0)
    has_place = placed and position is not None and orientation is not None and spacing is not None
    return Image(
        series=head,
        path=path,
        frame=frame,
        uid=str(header.get("SOPInstanceUID", "")),
        position_mm=(position or ()) if has_place else (),
        orientation=orientation or (),
        spacing_mm=spacing or (),
        thickness_mm=between or said.number("SliceThickness", "PixelMeasuresSequence", 0.0),
        shape=(int(header.Rows), int(header.Columns)),
        slope=said.number("RescaleSlope", "PixelValueTransformationSequence", 1.0),
        intercept=said.number("RescaleIntercept", "PixelValueTransformationSequence", 0.0),
        number=_whole(header.get("InstanceNumber")),
        moment=(
            said.number("TemporalPositionIndex", "FrameContentSequence", 0.0),
            said.number("TemporalPositionIdentifier", "", 0.0),
            said.number("AcquisitionNumber", "", 0.0),
            said.number("EchoNumbers", "", 0.0),
            said.number("EchoTime", "", 0.0),
            said.number("EffectiveEchoTime", "MREchoSequence", 0.0),
            said.number("TriggerTime", "", 0.0),
            said.number("DiffusionBValue", "MRDiffusionSequence", 0.0),
        ),
        bits=_whole(header.get("BitsStored")) or 16,
        signed=_whole(header.get("PixelRepresentation")) == 1,
        samples=_whole(header.get("SamplesPerPixel")) or 1,
    )


class _Said:
    """Looks a value up in several groups, the first of which counts most."""

    def __init__(self, groups: tuple[Any, ...]) -> None:
        self.groups = [group for group in groups if group is not None]

    def value(self, name: str, sequence: str) -> Any:
        for group in self.groups:
            inner = group.get(sequence) if sequence else None
            for place in (*(inner or ())[:1], group):
                if place.get(name) is not None:
                    return place.get(name)
        return None

    def number(self, name: str, sequence: str, default: float) -> float:
        value = self.value(name, sequence)
        if value is None or value == "":
            return default
        return float(value[0] if hasattr(value, "__len__") and not isinstance(value, str) else value)

    def numbers(self, name: str, sequence: str, count: int) -> tuple[float, ...] | None:
        value = self.value(name, sequence)
        if value is None or value == "" or len(value) != count:
            return None
        return tuple(float(number) for number in value)


def _whole(value: Any) -> int:
    return int(value) if value not in (None, "") else 0
