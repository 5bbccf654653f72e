"""What the header of a DICOM file says of each of its images; one image a file, or many (enhanced CT, MR)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from napari_scd.volume.dicom.moments import MOMENT_TAGS, contrast_of, moment_of
from napari_scd.volume.dicom.nested import Nested, whole
from napari_scd.volume.dicom.other_tags import OTHER_TAGS, other_tags_of
from napari_scd.volume.dicom.recognise import Kind, kind_of, library, quiet_pydicom
from napari_scd.volume.dicom_image import Encoding, Image, SeriesHead
from napari_scd.volume.left_out import Why

if TYPE_CHECKING:
    from pathlib import Path

_SIEMENS_TILES, _UNITED_IMAGING_TILES = 0x0019100A, 0x00651050
_TAGS = (
    "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "SeriesNumber",
    "SeriesDescription", "Modality", "InstanceNumber", "ImagePositionPatient", "ImageOrientationPatient",
    "PixelSpacing", "SliceThickness", "SpacingBetweenSlices", "Rows", "Columns", "NumberOfFrames",
    "SamplesPerPixel", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
    "PhotometricInterpretation", "PixelPaddingValue", "PixelPaddingRangeLimit", "RescaleSlope",
    "RescaleIntercept", "RescaleType", "RealWorldValueMappingSequence", "ModalityLUTSequence", "StackID",
    "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence",
    _SIEMENS_TILES, _UNITED_IMAGING_TILES, *MOMENT_TAGS, *OTHER_TAGS,
)  # fmt: skip
_NO_SCANS = ("SEG", "RTSTRUCT", "RTPLAN", "RTDOSE", "SR", "PR", "KO", "REG", "DOC", "SM")
_SIGNS_OF_DICOM = ("SOPClassUID", "SeriesInstanceUID", "Rows", "Modality")
_SCALE = "PixelValueTransformationSequence"
_PALETTE = "PALETTE COLOR"
_DIRECTORY = "1.2.840.10008.1.3.10"
_UNUSABLE = {Kind.EMPTY: Why.EMPTY, Kind.FORBIDDEN: Why.UNREADABLE, Kind.OTHER: Why.NOT_DICOM}


class Content(NamedTuple):
    """The images of a file.

    Parameters
    ----------
    images
        Those that say where they lie.
    why
        Why there are none, or some have no position; None if nothing is wrong.
    detail
        Details.
    series_uid
        Of the series the file says it belongs to; empty where it does not.
    """

    images: tuple[Image, ...]
    why: Why | None = None
    detail: str = ""
    series_uid: str = ""


def read_header(path: Path, tags: tuple[str | int, ...] = _TAGS) -> Any:
    """Read some entries of a DICOM file's header, None when the file is not a DICOM file.

    Raises
    ------
    InputError
        When pydicom is missing.
    """
    pydicom = library("pydicom")
    try:
        with quiet_pydicom():
            header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(tags), force=True)
            _drop_what_cannot_be_read(header)
            return header if any(name in header for name in _SIGNS_OF_DICOM) else None
    except Exception:  # unknown bytes can make the parser raise anything
        return None


def _drop_what_cannot_be_read(header: Any) -> None:
    """Take out entries whose value the parser refuses; it looks at them when they are asked for."""
    for tag in list(header.keys()):
        try:
            header[tag]
        except Exception:  # as above
            del header[tag]


def read_images(path: Path) -> Content:
    """Return the images of a DICOM file, or why it holds none that can be used.

    Raises
    ------
    InputError
        When pydicom is missing.
    """
    if os.path.islink(path) and not os.path.exists(path):
        return Content((), Why.LINK_TO_NOWHERE)
    kind = kind_of(path)
    if kind in _UNUSABLE:
        return Content((), _UNUSABLE[kind])
    with quiet_pydicom():
        header = read_header(path)
        return Content((), _why_no_header(path, kind)) if header is None else _content_of(header, path)


def _content_of(header: Any, path: Path) -> Content:
    uid = str(header.get("SeriesInstanceUID") or "")
    if str(header.get("Modality")) in _NO_SCANS:
        return Content((), Why.NO_SCAN, str(header.Modality), uid)
    try:
        if not header.get("Rows") or not header.get("Columns"):
            return Content((), Why.DAMAGED if _should_be_an_image(header) else Why.NO_SCAN, "", uid)
        if whole(header.get("SamplesPerPixel")) > 1 or header.get("PhotometricInterpretation") == _PALETTE:
            return Content((), Why.COLOURS, "", uid)
        images = tuple(_images_of(header, path))
    except Exception:  # as above: nested entries are parsed here
        return Content((), Why.DAMAGED, "", uid)
    placed = tuple(image for image in images if image.position_mm)
    if len(placed) == len(images):
        return Content(placed, None, "", uid)
    has_one = not placed and len(images) > 1 and header.get("ImagePositionPatient")
    return Content(placed, Why.ONE_POSITION if has_one else Why.NO_POSITION, "", uid)


def _why_no_header(path: Path, kind: Kind) -> Why:
    if kind is Kind.NAMED_DICOM:
        return Why.NOT_DICOM
    try:
        meta = library("pydicom.filereader").read_file_meta_info(path)
        return Why.INDEX if str(meta.get("MediaStorageSOPClassUID")) == _DIRECTORY else Why.DAMAGED
    except Exception:  # of the file's own bytes
        return Why.DAMAGED


def _should_be_an_image(header: Any) -> bool:
    """Tell whether rows and columns are missing because the file was cut off."""
    uid = header.get("SOPClassUID")
    return uid is None or "Image Storage" in library("pydicom").uid.UID(str(uid)).name


def _images_of(header: Any, path: Path) -> list[Image]:
    head = _head_of(header)
    frames = header.get("PerFrameFunctionalGroupsSequence")
    shared = (header.get("SharedFunctionalGroupsSequence") or [None])[0]
    if frames:
        return [_image(head, path, header, (frame, shared), i, len(frames)) for i, frame in enumerate(frames)]
    count = max(whole(header.get("NumberOfFrames")), 1)
    # without groups only one of many images could have a position: no need for a billion of them
    return [_image(head, path, header, (), frame, count) for frame in range(min(count, 2))]


def _head_of(header: Any) -> SeriesHead:
    number = whole(header.get("SeriesNumber"))
    description = str(header.get("SeriesDescription") or "").strip()
    study_uid = str(header.get("StudyInstanceUID") or "")
    uid = str(header.get("SeriesInstanceUID") or "")
    if not uid:  # perhaps removed: use what else distinguishes series
        uid = f"{study_uid} {number} {description}"
    return SeriesHead(uid, number, description, str(header.get("Modality") or "").strip(), study_uid)


def _image(
    head: SeriesHead, path: Path, header: Any, groups: tuple[Any, ...], frame: int, n_frames: int
) -> Image:
    """Gather what the file says about one image; the frame's own values precede shared ones."""
    said = Nested((*groups, header))
    position = said.numbers("ImagePositionPatient", "PlanePositionSequence", 3)
    orientation = said.numbers("ImageOrientationPatient", "PlaneOrientationSequence", 6)
    spacing = said.numbers("PixelSpacing", "PixelMeasuresSequence", 2)
    between = said.number("SpacingBetweenSlices", "PixelMeasuresSequence")
    has_place = bool(position and orientation and spacing) and (n_frames == 1 or bool(groups))
    return Image(
        series=head,
        path=path,
        frame=frame,
        uid=str(header.get("SOPInstanceUID") or ""),
        position_mm=(position or ()) if has_place else (),
        orientation=orientation or (),
        spacing_mm=spacing or (),
        thickness_mm=between or said.number("SliceThickness", "PixelMeasuresSequence"),
        shape=(int(header.Rows), int(header.Columns)),
        number=whole(header.get("InstanceNumber")),
        contrast=contrast_of(said),
        moment=moment_of(said),
        stack_id=said.text("StackID", "FrameContentSequence"),
        encoding=_encoding_of(header, said),
        tiles=_tiles_of(header),
        n_frames=n_frames,
        other_tags=other_tags_of(said),
    )


def _encoding_of(header: Any, said: Nested) -> Encoding:
    allocated = whole(header.get("BitsAllocated")) or 16
    bits = whole(header.get("BitsStored")) or (allocated if allocated <= 16 else 0)
    signed = whole(header.get("PixelRepresentation")) == 1
    padding = [header.get(name) for name in ("PixelPaddingValue", "PixelPaddingRangeLimit")]
    slope, intercept, says_scale = _scale_of(said)
    return Encoding(
        bits=bits,
        high_bit=bits - 1 if header.get("HighBit") is None else whole(header.get("HighBit")),
        signed=signed,
        slope=slope,
        intercept=intercept,
        inverted=header.get("PhotometricInterpretation") == "MONOCHROME1",
        padding=_padding_of(padding[0], padding[1], allocated, signed),
        says_scale=says_scale,
        says_sign=header.get("PixelRepresentation") is not None or not bits,
        has_table=bool(header.get("ModalityLUTSequence")) and not says_scale,
        unit=said.text("RescaleType", _SCALE).strip().upper(),
    )


def _scale_of(said: Nested) -> tuple[float, float, bool]:
    """Return slope and intercept, and whether the header gives them; those of real-world values stand in."""
    for names, sequence in (
        (("RescaleSlope", "RescaleIntercept"), _SCALE),
        (("RealWorldValueSlope", "RealWorldValueIntercept"), "RealWorldValueMappingSequence"),
    ):
        if any(said.value(name, sequence) is not None for name in names):
            slope, intercept = (said.exact(name, sequence, 0.0) for name in names)
            return slope or 1.0, intercept, True
    return 1.0, 0.0, False


def _padding_of(value: Any, limit: Any, allocated: int, signed: bool) -> tuple[int, ...]:
    r"""Return the lowest and the highest number that means "no measurement here".

    Files disagree on whether these two are signed: what counts is whether the pixels are.

    Examples
    --------
    >>> _padding_of(63536, None, 16, signed=True)
    (-2000, -2000)
    >>> _padding_of(b"\x30\xf8", 63537, 16, signed=False)
    (63536, 63537)
    """
    ends = []
    for end in (value, value if limit in (None, "") else limit):
        if end in (None, "") or not isinstance(end, bytes | int | float | str):
            return ()
        number = int.from_bytes(end[:2], "little") if isinstance(end, bytes) else int(end)
        number %= 2**allocated
        ends.append(number - 2**allocated if signed and number >= 2 ** (allocated - 1) else number)
    return min(ends), max(ends)


def _tiles_of(header: Any) -> int:
    """Return how many slices are drawn side by side in one picture; 1 for all but mosaics."""
    for tag in (_SIEMENS_TILES, _UNITED_IMAGING_TILES):
        if tag in header and header[tag].VM == 1:
            value = header[tag].value
            count = int.from_bytes(value[:2], "little") if isinstance(value, bytes) else int(float(value))
            if count > 1:
                return count
    kinds = header.get("ImageType") or ()
    return 2 if "MOSAIC" in ([kinds] if isinstance(kinds, str) else list(kinds)) else 1
