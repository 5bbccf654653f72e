"""Label maps become DICOM segmentations that keep the scan's frame of reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_scd.errors import InputError, Unwritable
from napari_scd.volume.dicom.codes import ANATOMICAL_STRUCTURE, Code, code_of
from napari_scd.volume.dicom.places import even_step, normal_of
from napari_scd.volume.dicom.recognise import library, quiet_pydicom
from napari_scd.volume.dicom.source_headers import correct_references, source_headers
from napari_scd.volume.labels import Label
from napari_scd.volume.palette import colour_of_rank

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from napari_scd.volume.dicom_image import Image
    from napari_scd.volume.labels import LabelTable
    from napari_scd.volume.volume import Source, Volume

_OWN_SCHEME = "99NAPARISCD"
_LONGEST_NAME = 64  # characters a DICOM label may have
_LARGEST_NUMBER = 2**31 - 1


def check_segmentable(like: Volume) -> None:
    """Make sure that a DICOM segmentation of this scan can be written, before anything is computed.

    A segmentation with one voxel of the first slice is made and discarded.

    Raises
    ------
    InputError
        When the scan is not a DICOM series, or highdicom is missing or refuses its headers.
    """
    source = _slices_of(like)
    images = source.images[:1]
    planes = np.zeros((1, *images[0].shape), np.uint16)
    planes[0, 0, 0] = 1
    _segmentation(planes, images, [1], None, "napari-scd")


def write_segmentation(
    path: str | os.PathLike[str],
    labels: np.ndarray,
    like: Volume,
    table: LabelTable | None = None,
    made_by: str = "napari-scd",
) -> None:
    """Write a label map as a DICOM segmentation (binary, one segment for each structure found).

    Patient, study and frame of reference are those of the scan; every frame names the slice it lies on.

    Parameters
    ----------
    path
        Where to write; whatever is there is replaced.
    labels
        (z, y, x) whole numbers on the grid of ``like``.
    like
        The scan, as :func:`read_series` read it.
    table
        Names and colours.
    made_by
        The name of model or program, kept as the algorithm's name.

    Raises
    ------
    InputError
        When the scan is not a DICOM series, nothing is labelled, or highdicom is missing or refuses the
        scan's headers.
    """
    source = _slices_of(like)
    numbers = [int(number) for number in np.unique(labels) if number]
    if not numbers:
        raise Unwritable(
            path, "No structure was found, and a DICOM segmentation cannot be empty; write a .nii.gz file."
        )
    segment_of = np.zeros(max(numbers) + 1, np.uint16)
    segment_of[numbers] = np.arange(1, len(numbers) + 1)
    planes = segment_of[source.to_disk(labels)]
    segmentation = _segmentation(planes, source.images, numbers, table, made_by)
    with quiet_pydicom():
        segmentation.save_as(path)


def _slices_of(like: Volume) -> Source:
    source = like.source
    if source is None or not source.images or not source.holds_for(like):
        raise InputError(
            "A DICOM segmentation refers to the slices of a DICOM series, but this scan is not DICOM; write "
            "a .nii.gz file."
        )
    return source


def _segmentation(
    planes: np.ndarray,
    images: Sequence[Image],
    numbers: Sequence[int],
    table: LabelTable | None,
    made_by: str,
) -> Any:
    """Build the segmentation of planes (image, row, column) that hold 0 or the rank of a number, from 1."""
    hd = library("highdicom")
    headers = source_headers(images, _apart_mm(images))
    try:
        with quiet_pydicom():
            segmentation = hd.seg.Segmentation(
                source_images=[header.dataset for header in headers],
                pixel_array=planes,
                segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
                segment_descriptions=_descriptions(numbers, table, made_by),
                series_instance_uid=hd.UID(),
                series_number=_next_series_number(images[0].series.number),
                sop_instance_uid=hd.UID(),
                instance_number=1,
                manufacturer="napari-scd",
                manufacturer_model_name=_short(made_by),
                software_versions=_version(),
                device_serial_number="0",
                content_label="SEGMENTATION",
                content_description="Automatic segmentation, research use only",
                series_description=_short(f"{made_by} segmentation"),
            )
    except (ValueError, TypeError, AttributeError, KeyError, IndexError, OverflowError) as error:
        raise InputError(
            f"The headers of the scan cannot be turned into those of a DICOM segmentation ({error}); write a "
            ".nii.gz file."
        ) from error
    with quiet_pydicom():  # of identifiers that are not legal, kept because the files have them
        correct_references(segmentation, headers)
    return segmentation


def _descriptions(numbers: Sequence[int], table: LabelTable | None, made_by: str) -> list[Any]:
    hd, codes = library("highdicom"), library("pydicom.sr.codedict").codes
    names = dict(zip(table.indices, table.labels, strict=True)) if table is not None else {}
    algorithm = hd.AlgorithmIdentificationSequence(
        name=_short(made_by), version=_version(), family=codes.DCM.ArtificialIntelligence
    )
    described = []
    for segment, number in enumerate(numbers, start=1):
        label = names.get(number) or Label(number, f"label {number}", colour_of_rank(number - 1))
        known = code_of(label.name)
        kind = (
            _concept(known.structure)
            if known
            else hd.sr.CodedConcept(f"label-{number}", _OWN_SCHEME, _short(label.name))
        )
        if known and known.modifiers:
            kind.SegmentedPropertyTypeModifierCodeSequence = [_concept(code) for code in known.modifiers]
        description = hd.seg.SegmentDescription(
            segment_number=segment,
            segment_label=_short(label.name),
            segmented_property_category=_concept(ANATOMICAL_STRUCTURE),
            segmented_property_type=kind,
            algorithm_type=hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
            algorithm_identification=algorithm,
            display_color=hd.color.CIELabColor.from_rgb(*label.colour),
        )
        description.SegmentDescription = f"napari-scd label {number}"
        described.append(description)
    return described


def _concept(code: Code) -> Any:
    return library("highdicom").sr.CodedConcept(code.value, "SCT", code.meaning)


def _apart_mm(images: Sequence[Image]) -> float:
    """Return the distance between slices, measured across them."""
    if len(images) == 1:
        return images[0].thickness_mm or 1.0
    _, step, _ = even_step(np.array([image.position_mm for image in images]))
    return abs(float(step @ normal_of(images[0])))


def _next_series_number(number: int) -> int:
    """Return a number that series of the scanner do not have; DICOM wants one from 1 to 2^31 - 1."""
    return min(max(number, 0) + 9000, _LARGEST_NUMBER)


def _short(name: str) -> str:
    """Return a name as DICOM keeps it: short, without the sign that separates values."""
    return name.replace("\\", "/")[:_LONGEST_NAME].strip() or "unnamed"


def _version() -> str:
    from napari_scd import __version__

    return __version__
