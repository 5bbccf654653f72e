"""The part of a scan's headers that its segmentation keeps: patient, study, place; gaps filled in.

Anonymisers delete, empty and scramble all kinds of entries, and old scanners write text in their own
character sets. What is missing is filled in (with nothing where DICOM allows that, else with a new
identifier), what is not valid is left out, and all text is turned into UTF-8.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from napari_scd.volume.dicom.recognise import library, quiet_pydicom

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_scd.volume.dicom_image import Image

_TEXTS = (
    "PatientName", "PatientID", "IssuerOfPatientID", "OtherPatientNames", "EthnicGroup", "PatientComments",
    "AccessionNumber", "StudyID", "StudyDescription", "ReferringPhysicianName", "PatientIdentityRemoved",
    "DeidentificationMethod", "ClinicalTrialSponsorName", "ClinicalTrialProtocolID",
    "ClinicalTrialProtocolName", "ClinicalTrialSubjectID", "ClinicalTrialTimePointID",
)  # fmt: skip
_FORMS = {
    "PatientBirthDate": re.compile(r"\d{8}"),
    "StudyDate": re.compile(r"\d{8}"),
    "StudyTime": re.compile(r"\d\d(\d\d(\d\d(\.\d{1,6})?)?)?"),
    "PatientSex": re.compile(r"[MFO]"),
    "PatientAge": re.compile(r"\d{3}[DWMY]"),
}
_NEEDED = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate",
    "StudyTime", "ReferringPhysicianName",
)  # fmt: skip
_IDENTIFIERS = (
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "FrameOfReferenceUID",
    "SOPClassUID",
    "SOPInstanceUID",
)
_UID = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*))+")
_LONGEST_UID = 64
_UNREADABLE = "\ufffd"
_STORAGE = {
    "CT": "1.2.840.10008.5.1.4.1.1.2",
    "MR": "1.2.840.10008.5.1.4.1.1.4",
    "PT": "1.2.840.10008.5.1.4.1.1.128",
}


class SourceHeader(NamedTuple):
    """What a segmentation needs to know of one of its slices.

    Parameters
    ----------
    dataset
        A single image that highdicom accepts, whatever the file's own header is like.
    class_uid, instance_uid
        Of the file, as it gives them.
    frame
        Which image of the file, from 1; 0 where it holds one image.
    """

    dataset: Any
    class_uid: str
    instance_uid: str
    frame: int


def source_headers(images: Sequence[Image], apart_mm: float) -> list[SourceHeader]:
    """Return the header of every slice, in order; all of one patient, study, series and frame of reference.

    Parameters
    ----------
    images
        In order, of one direction and size.
    apart_mm
        The distance from one to the next.
    """
    new_uid = library("pydicom.uid").generate_uid
    with quiet_pydicom():  # which looks at values when they are asked for
        first = _read(images[0].path)
        common = _texts_of(first)
        for name in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"):
            common[name] = _uid_in(first, name) or str(new_uid())
        class_uid = _uid_in(first, "SOPClassUID")
    alike = [  # what headers round differently from slice to slice
        image._replace(orientation=images[0].orientation, spacing_mm=images[0].spacing_mm) for image in images
    ]
    return [_source_header(image, common, class_uid, apart_mm, str(new_uid())) for image in alike]


def correct_references(segmentation: Any, headers: Sequence[SourceHeader]) -> None:
    """Make a segmentation name the files that its slices come from, and the image where a file holds many."""
    by_uid = {str(header.dataset.SOPInstanceUID): header for header in headers}
    for item in _references(segmentation):
        header = by_uid[str(item.ReferencedSOPInstanceUID)]
        item.ReferencedSOPClassUID = header.class_uid
        item.ReferencedSOPInstanceUID = header.instance_uid
        if header.frame and "PurposeOfReferenceCodeSequence" in item:
            item.ReferencedFrameNumber = header.frame
    segmentation.SourceImageSequence = _each_once(segmentation.SourceImageSequence)
    for series in segmentation.ReferencedSeriesSequence:
        series.ReferencedInstanceSequence = _each_once(series.ReferencedInstanceSequence)


def _references(segmentation: Any) -> list[Any]:
    """Return every item that names a slice: of the whole, of the series, of each frame."""
    found = [*segmentation.SourceImageSequence]
    for series in segmentation.ReferencedSeriesSequence:
        found += series.ReferencedInstanceSequence
    for frame in segmentation.PerFrameFunctionalGroupsSequence:
        for derivation in frame.get("DerivationImageSequence", ()):
            found += derivation.SourceImageSequence
    return list({id(item): item for item in found}.values())


def _each_once(items: Any) -> list[Any]:
    """Return one item for each file: a file with many images was named once for each of them."""
    return list({str(item.ReferencedSOPInstanceUID): item for item in items}.values())


def _source_header(
    image: Image, common: dict[str, str], class_uid: str, apart_mm: float, new_uid: str
) -> SourceHeader:
    pydicom = library("pydicom")
    dataset, number = pydicom.Dataset(), library("pydicom.valuerep").DSfloat
    for name, value in common.items():
        setattr(dataset, name, value)
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.PositionReferenceIndicator = ""
    dataset.Modality = image.series.modality or "OT"
    dataset.SOPClassUID = _STORAGE.get(image.series.modality, _STORAGE["CT"])
    dataset.SOPInstanceUID = new_uid
    dataset.Rows, dataset.Columns = image.shape
    dataset.ImagePositionPatient = [number(mm, auto_format=True) for mm in image.position_mm]
    dataset.ImageOrientationPatient = [number(part, auto_format=True) for part in image.orientation]
    dataset.PixelSpacing = [number(mm, auto_format=True) for mm in image.spacing_mm]
    dataset.SliceThickness = dataset.SpacingBetweenSlices = number(apart_mm, auto_format=True)
    frame = image.frame + 1 if image.n_frames > 1 else 0
    return SourceHeader(dataset, class_uid or str(dataset.SOPClassUID), image.uid or new_uid, frame)


def _read(path: Path) -> Any:
    names = [*_TEXTS, *_FORMS, *_IDENTIFIERS]
    return library("pydicom").dcmread(path, stop_before_pixels=True, specific_tags=names, force=True)


def _texts_of(header: Any) -> dict[str, str]:
    """Return patient and study as text: what DICOM does not allow is emptied, what it needs is there."""
    texts = {name: _text(header, name) for name in (*_TEXTS, *_FORMS)}
    for name, form in _FORMS.items():
        if not form.fullmatch(texts[name]):
            texts[name] = ""
    return {name: text for name, text in texts.items() if text or name in _NEEDED}


def _text(header: Any, name: str) -> str:
    """Return a text of the header, whatever characters it is written in."""
    tag = library("pydicom.datadict").tag_for_keyword(name)
    if tag not in header:
        return ""
    try:
        raw = getattr(header.get_item(tag), "value", None)
    except Exception:  # as in `_value`
        return ""
    text = str(_value(header, name) or "").strip()
    if isinstance(raw, bytes) and (_UNREADABLE in text or _is_plain(header)):
        text = _guessed(raw)
    return "".join(letter for letter in text if letter.isprintable()).strip()


def _is_plain(header: Any) -> bool:
    """Tell whether the header names no character set but the one without accents."""
    return str(_value(header, "SpecificCharacterSet") or "ISO_IR 6") in ("ISO_IR 6", "ISO 2022 IR 6")


def _guessed(raw: bytes) -> str:
    """Return the text of bytes that are in no character set the header names."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return text.strip("\0 ")


def _value(header: Any, name: str) -> Any:
    """Return an entry of the header; nothing where it cannot be read."""
    try:
        return header.get(name)
    except Exception:  # whatever the bytes of a stranger make the parser say
        return None


def _uid_in(header: Any, name: str) -> str:
    """Return an identifier if it is a legal one, else nothing."""
    uid = str(_value(header, name) or "").strip("\0 ")
    return uid if len(uid) <= _LONGEST_UID and _UID.fullmatch(uid) else ""
