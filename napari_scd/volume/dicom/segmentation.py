"""DICOM segmentations: label maps that keep the scan's frame of reference, written and read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from napari_scd.errors import InputError
from napari_scd.volume.dicom.codes import ANATOMICAL_STRUCTURE, Code, code_of
from napari_scd.volume.dicom.headers import read_header
from napari_scd.volume.dicom.recognise import is_dicom_file, library, quiet_pydicom
from napari_scd.volume.dicom.stack import even_step
from napari_scd.volume.dicom.voxels import decode
from napari_scd.volume.labels import Label, LabelTable
from napari_scd.volume.orientation import AXES, spl_from_lps, turn_to
from napari_scd.volume.palette import colour_of_rank
from napari_scd.volume.volume import Source, Volume

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence

    from napari_scd.volume.dicom.headers import Image

_STORAGE = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
_OWN_SCHEME = "99NAPARISCD"
_LONGEST_NAME = 64  # characters a DICOM label may have
_NUMBER = re.compile(r"napari-scd label (\d+)")
_MULTIPLE = 0.05  # share of a step that rounding in headers may make


def is_segmentation(path: str | os.PathLike[str]) -> bool:
    """Tell whether a file is a DICOM segmentation."""
    path = Path(path)
    if path.is_dir() or not is_dicom_file(path):
        return False
    header = read_header(path, ("SOPClassUID",))
    return header is not None and str(header.SOPClassUID) in _STORAGE


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
        When the scan is no DICOM series, nothing is labelled, or highdicom is missing.
    """
    source = like.source
    if source is None or not source.images or not source.holds_for(like):
        raise InputError(
            "A DICOM segmentation belongs to the slices of a DICOM series, and this scan is none; write a "
            ".nii.gz file."
        )
    numbers = [int(number) for number in np.unique(labels) if number]
    if not numbers:
        raise InputError("No structure was found, and a DICOM segmentation cannot be empty; write a .nii.gz.")
    hd, pydicom = library("highdicom"), library("pydicom")
    segment_of = np.zeros(max(numbers) + 1, np.uint16)
    segment_of[numbers] = np.arange(1, len(numbers) + 1)
    planes = segment_of[source.to_disk(labels)]
    headers = {image.path: pydicom.dcmread(image.path, stop_before_pixels=True) for image in source.images}
    first = headers[source.images[0].path]
    if "FrameOfReferenceUID" not in first:
        raise InputError("The scan has no FrameOfReferenceUID, which a segmentation needs; write a .nii.gz.")
    with quiet_pydicom():
        segmentation = hd.seg.Segmentation(
            source_images=list(headers.values()),
            pixel_array=planes,
            segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
            segment_descriptions=_descriptions(numbers, table, made_by),
            series_instance_uid=hd.UID(),
            series_number=_next_series_number(first),
            sop_instance_uid=hd.UID(),
            instance_number=1,
            manufacturer="napari-scd",
            manufacturer_model_name=made_by[:_LONGEST_NAME],
            software_versions=_version(),
            device_serial_number="0",
            content_label="SEGMENTATION",
            content_description="Automatic segmentation, research use only",
            series_description=f"{made_by} segmentation"[:_LONGEST_NAME],
            plane_positions=_positions(source.images),
            plane_orientation=_orientation(source.images[0]),
            pixel_measures=_measures(source.images),
        )
        segmentation.save_as(path)


def read_segmentation(path: str | os.PathLike[str]) -> tuple[Volume, LabelTable]:
    """Read a DICOM segmentation: the part of the grid its frames cover, and the names of its segments.

    Returns
    -------
    labels
        (z, y, x) in the axis order nearest to (S, P, L), uint8 or uint16. Of overlapping segments the later
        one counts, with a warning.
    table
        Structures by number: the numbers they had when napari-scd wrote the file, else the segments'.

    Raises
    ------
    InputError
        When the file is no such segmentation, is damaged, or holds probabilities.
    """
    path = Path(path)
    dataset = _open(path)
    try:
        table, number_of = _table(dataset)
        frames = _frames(dataset)
        grid = _grid(frames, _shared(dataset, "PixelMeasuresSequence").SliceThickness)
        array = np.zeros((grid.n_planes, int(dataset.Rows), int(dataset.Columns)), np.uint16)
        overlap = _fill(array, _planes(path, dataset, len(frames)), frames, grid.plane_of, number_of)
    except (AttributeError, KeyError, ValueError, TypeError, IndexError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path.name} is a damaged DICOM segmentation; export it again.") from error
    kind = np.uint8 if max(table.indices) < 256 else np.uint16
    turn = turn_to(AXES, grid.affine)
    affine = grid.affine @ turn.matrix(array.shape)
    source = Source(path.name, path, None, affine, None)
    sentence = "Some segments overlap; the later one is shown there."
    return Volume(
        np.ascontiguousarray(turn(array)).astype(kind), affine, source, (sentence,) if overlap else ()
    ), table


class _Frame(NamedTuple):
    """One frame: where its first voxel lies, its directions and sizes, and the segment it belongs to."""

    position_mm: tuple[float, ...]
    orientation: tuple[float, ...]
    spacing_mm: tuple[float, ...]
    segment: int | None


class _Grid(NamedTuple):
    """The grid on which all frames lie: its affine, how many planes it has, and the plane of each frame."""

    affine: np.ndarray
    n_planes: int
    plane_of: list[int]


def _open(path: Path) -> Any:
    if not path.exists():
        raise InputError(f"There is no file {path}; check the name.")
    if not is_segmentation(path):
        raise InputError(f"{path.name} is no DICOM segmentation; give one, or a NIfTI label map.")
    dataset = library("pydicom").dcmread(path, stop_before_pixels=True)
    if dataset.get("SegmentationType") == "FRACTIONAL":
        raise InputError(f"{path.name} holds probabilities (fractional); give a binary segmentation.")
    return dataset


def _table(dataset: Any) -> tuple[LabelTable, dict[int, int]]:
    """Return the label table, and the label of each segment number."""
    segments = [segment for segment in dataset.SegmentSequence if int(segment.SegmentNumber)]
    numbers = [int(segment.SegmentNumber) for segment in segments]
    own = [_NUMBER.fullmatch(str(segment.get("SegmentDescription", ""))) for segment in segments]
    if all(own) and len({match[1] for match in own if match}) == len(own):
        indices = [int(match[1]) for match in own if match]
    else:
        indices = numbers
    names = [str(segment.get("SegmentLabel") or f"segment {segment.SegmentNumber}") for segment in segments]
    labels = []
    for rank, (segment, index, name) in enumerate(zip(segments, indices, names, strict=True)):
        unique = name if names.count(name) == 1 else f"{name} {index}"
        labels.append(Label(index, unique, _colour(segment) or colour_of_rank(rank)))
    return LabelTable(tuple(labels)), dict(zip(numbers, indices, strict=True))


def _colour(segment: Any) -> tuple[int, int, int] | None:
    lab = segment.get("RecommendedDisplayCIELabValue")
    if not lab:
        return None
    colour = library("highdicom").color.CIELabColor.from_dicom_value(list(lab))
    red, green, blue = (int(part) for part in colour.to_rgb(clip=True))
    return red, green, blue


def _frames(dataset: Any) -> list[_Frame]:
    measures = _shared(dataset, "PixelMeasuresSequence")
    orientation = _shared(dataset, "PlaneOrientationSequence")
    found = []
    for frame in dataset.PerFrameFunctionalGroupsSequence:
        own = frame.get("PixelMeasuresSequence", [measures])[0]
        directions = frame.get("PlaneOrientationSequence", [orientation])[0]
        segment = frame.get("SegmentIdentificationSequence")
        found.append(
            _Frame(
                tuple(map(float, frame.PlanePositionSequence[0].ImagePositionPatient)),
                tuple(map(float, directions.ImageOrientationPatient)),
                tuple(map(float, own.PixelSpacing)),
                int(segment[0].ReferencedSegmentNumber) if segment else None,
            )
        )
    if len({(frame.orientation, frame.spacing_mm) for frame in found}) != 1:
        raise InputError("The segmentation's frames differ in direction or voxel size; export it again.")
    return found


def _shared(dataset: Any, name: str) -> Any:
    sequence = dataset.SharedFunctionalGroupsSequence[0].get(name)
    if sequence is None:
        sequence = dataset.PerFrameFunctionalGroupsSequence[0].get(name)
    return sequence[0]


def _grid(frames: Sequence[_Frame], thickness_mm: float) -> _Grid:
    """Find the planes: frames may be left out where nothing is, so distances are multiples of one step."""
    row, column = np.reshape(frames[0].orientation, (2, 3))
    normal = np.cross(row, column)
    origins = np.array([frame.position_mm for frame in frames])
    depths = origins @ normal
    order = np.argsort(depths)
    gaps = np.diff(depths[order])
    gaps = gaps[gaps > 1e-3]
    smallest = float(gaps.min()) if gaps.size else float(thickness_mm or 1.0)
    first, last = origins[order[0]], origins[order[-1]]
    count = round(float((depths.max() - depths.min()) / smallest)) + 1
    step = (last - first) / (count - 1) if count > 1 else normal * smallest
    places = (depths - depths.min()) / float(step @ normal)
    index = np.rint(places).astype(int)
    even = first + index[:, None] * step
    if np.linalg.norm(origins - even, axis=1).max() > _MULTIPLE * smallest + 1e-2:
        raise InputError("The segmentation's frames are unevenly spaced; export it again.")
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 3] = step, first
    affine[:3, 1] = column * frames[0].spacing_mm[0]
    affine[:3, 2] = row * frames[0].spacing_mm[1]
    return _Grid(spl_from_lps(affine), count, index.tolist())


def _planes(path: Path, dataset: Any, n_frames: int) -> Iterator[np.ndarray]:
    """Yield the frames; those of one bit a pixel follow each other without regard for bytes."""
    if int(dataset.BitsAllocated) != 1 or dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        yield from decode(path, range(n_frames))
        return
    n = int(dataset.Rows) * int(dataset.Columns)
    packed = np.frombuffer(library("pydicom").dcmread(path).PixelData, np.uint8)
    if packed.size * 8 < n_frames * n:
        raise InputError(f"{path.name} is truncated; export it again.")
    for begin in range(0, n_frames * n, n):
        bits = np.unpackbits(packed[begin // 8 : -(-(begin + n) // 8)], bitorder="little")
        yield bits[begin % 8 : begin % 8 + n].reshape(dataset.Rows, dataset.Columns)


def _fill(
    array: np.ndarray,
    planes: Iterator[np.ndarray],
    frames: Sequence[_Frame],
    plane_of: list[int],
    number_of: dict[int, int],
) -> bool:
    """Paint the frames into an empty array; tell whether any overlap."""
    overlap = False
    for frame, plane, stored in zip(frames, plane_of, planes, strict=True):
        if frame.segment is None:  # a label map: pixels hold segment numbers
            for number, label in number_of.items():
                array[plane][stored == number] = label
            continue
        inside = stored > 0
        overlap |= bool(array[plane][inside].any())
        array[plane][inside] = number_of[frame.segment]
    return overlap


def _descriptions(numbers: Sequence[int], table: LabelTable | None, made_by: str) -> list[Any]:
    hd, codes = library("highdicom"), library("pydicom.sr.codedict").codes
    names = dict(zip(table.indices, table.labels, strict=True)) if table is not None else {}
    algorithm = hd.AlgorithmIdentificationSequence(
        name=made_by[:_LONGEST_NAME], version=_version(), family=codes.DCM.ArtificialIntelligence
    )
    described = []
    for segment, number in enumerate(numbers, start=1):
        label = names.get(number) or Label(number, f"label {number}", colour_of_rank(number - 1))
        known = code_of(label.name)
        kind = (
            _concept(known.structure)
            if known
            else hd.sr.CodedConcept(f"label-{number}", _OWN_SCHEME, label.name[:_LONGEST_NAME])
        )
        if known and known.modifiers:
            kind.SegmentedPropertyTypeModifierCodeSequence = [_concept(code) for code in known.modifiers]
        description = hd.seg.SegmentDescription(
            segment_number=segment,
            segment_label=label.name[:_LONGEST_NAME],
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


def _positions(images: Sequence[Image]) -> list[Any]:
    hd = library("highdicom")
    return [hd.PlanePositionSequence("PATIENT", image_position=image.position_mm) for image in images]


def _orientation(image: Image) -> Any:
    return library("highdicom").PlaneOrientationSequence("PATIENT", image_orientation=image.orientation)


def _measures(images: Sequence[Image]) -> Any:
    if len(images) > 1:
        step, _ = even_step(np.array([image.position_mm for image in images]))
        row, column = np.reshape(images[0].orientation, (2, 3))
        apart_mm = abs(float(step @ np.cross(row, column)))
    else:
        apart_mm = images[0].thickness_mm or 1.0
    return library("highdicom").PixelMeasuresSequence(
        pixel_spacing=images[0].spacing_mm, slice_thickness=apart_mm, spacing_between_slices=apart_mm
    )


def _next_series_number(header: Any) -> int:
    return int(header.get("SeriesNumber") or 0) + 9000


def _version() -> str:
    from napari_scd import __version__

    return __version__
