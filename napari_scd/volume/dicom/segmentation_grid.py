"""Where the frames of a DICOM segmentation lie: planes of one grid, many of which may be missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from napari_scd.errors import InputError
from napari_scd.volume.dicom.nested import Nested
from napari_scd.volume.dicom.places import NEARLY_EVEN
from napari_scd.volume.orientation import spl_from_lps
from napari_scd.volume.volume import checked_affine

if TYPE_CHECKING:
    from collections.abc import Sequence

_SAME_DIRECTION = 2e-3
_SAME_PLACE_MM = 1e-2
_WHOLE = 0.1  # how far from a whole number of steps rounded positions may be
_DRIFT = 1e-3  # ... for each step, where the step itself is rounded
_FARTHEST_MM = 1e5
_MOST_PLANES = 2**15
_MOST_PARTS = 6  # of the smallest distance that a step may be


class SegmentationFrame(NamedTuple):
    """One frame: where its first voxel lies, its directions and sizes in mm, and the segment it belongs to.

    ``between_mm`` and ``thickness_mm`` are 0 where the file does not give them; ``segment`` is None in label
    maps, whose pixels hold the segments' numbers.
    """

    position_mm: tuple[float, ...]
    orientation: tuple[float, ...]
    spacing_mm: tuple[float, ...]
    between_mm: float
    thickness_mm: float
    segment: int | None


class SegmentationGrid(NamedTuple):
    """The grid on which all frames lie: its affine, how many planes it has, and the plane of each frame."""

    affine: np.ndarray
    n_planes: int
    plane_of: list[int]


def frames_in(dataset: Any) -> list[SegmentationFrame]:
    """Return where each frame lies, as the frame itself or all frames together say.

    Raises
    ------
    InputError
        When frames have no position in the patient, or differ in direction or voxel size.
    """
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [None])[0]
    found = [
        _frame(Nested((frame, shared))) for frame in dataset.get("PerFrameFunctionalGroupsSequence") or ()
    ]
    if not found or not all(frame.position_mm and frame.orientation and frame.spacing_mm for frame in found):
        raise InputError(
            "The segmentation does not say where its frames lie in the patient; export it again."
        )
    for frame in found:
        turned = np.abs(np.subtract(frame.orientation, found[0].orientation)).max()
        if turned > _SAME_DIRECTION or not np.allclose(frame.spacing_mm, found[0].spacing_mm, rtol=1e-3):
            raise InputError("The segmentation's frames differ in direction or voxel size; export it again.")
    return found


def grid_of(frames: Sequence[SegmentationFrame]) -> SegmentationGrid:
    """Find the planes: frames may be left out where nothing is, so distances are multiples of one step.

    Raises
    ------
    InputError
        When no step fits.
    """
    row, column = np.reshape(frames[0].orientation, (2, 3))
    normal = np.cross(row, column)
    origins = np.array([frame.position_mm for frame in frames])
    depths = origins @ normal
    if not np.ptp(origins, axis=0).max() < _FARTHEST_MM:
        raise InputError("The segmentation's frames lie absurdly far apart; export it again.")
    step_mm = _step_mm(depths, frames[0])
    index = _planes_of(depths, step_mm)
    if index.max() >= _MOST_PLANES:
        raise InputError("The segmentation's frames lie absurdly far apart; export it again.")
    first, step = _line(index, origins, normal * step_mm)
    even = first + index[:, None] * step
    if np.linalg.norm(origins - even, axis=1).max() > NEARLY_EVEN * step_mm + _SAME_PLACE_MM:
        raise InputError("The segmentation's frames are unevenly spaced; export it again.")
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 3] = step, first
    affine[:3, 1] = column * frames[0].spacing_mm[0]
    affine[:3, 2] = row * frames[0].spacing_mm[1]
    return SegmentationGrid(checked_affine(spl_from_lps(affine)), int(index.max()) + 1, index.tolist())


def _frame(said: Nested) -> SegmentationFrame:
    segment = said.number("ReferencedSegmentNumber", "SegmentIdentificationSequence")
    return SegmentationFrame(
        said.numbers("ImagePositionPatient", "PlanePositionSequence", 3),
        said.numbers("ImageOrientationPatient", "PlaneOrientationSequence", 6),
        said.numbers("PixelSpacing", "PixelMeasuresSequence", 2),
        abs(said.number("SpacingBetweenSlices", "PixelMeasuresSequence")),
        said.number("SliceThickness", "PixelMeasuresSequence"),
        int(segment) or None,
    )


def _step_mm(depths: np.ndarray, frame: SegmentationFrame) -> float:
    """Return the distance between planes: what the file says where the frames agree, else what fits them.

    Frames at 0, 4 and 10 mm lie on planes 2 mm apart, though no two of them do. A structure on every other
    slice looks like one on thicker slices, so what the file says comes first.
    """
    gaps = np.diff(np.unique(depths))
    gaps = gaps[gaps > _SAME_PLACE_MM]
    said = [mm for mm in (frame.between_mm, frame.thickness_mm) if mm > _SAME_PLACE_MM]
    if not gaps.size:
        return said[0] if said else 1.0
    for mm in (*said, *(gaps.min() / parts for parts in range(1, _MOST_PARTS + 1))):
        multiples = gaps / mm
        off = np.abs(multiples - np.rint(multiples))
        if (multiples > 1 - NEARLY_EVEN).all() and (off < _WHOLE + _DRIFT * multiples).all():
            return float(mm)
    return float(gaps.min())


def _planes_of(depths: np.ndarray, step_mm: float) -> np.ndarray:
    """Count the planes from the first frame to each, gap by gap, so that small errors do not add up.

    Examples
    --------
    >>> _planes_of(np.array([10.0, 0.0, 4.1, 0.0]), 2.0).tolist()
    [5, 0, 2, 0]
    """
    order = np.argsort(depths, kind="stable")
    planes = np.zeros(len(depths), int)
    planes[order[1:]] = np.cumsum(np.rint(np.diff(depths[order]) / step_mm))
    return planes


def _line(index: np.ndarray, origins: np.ndarray, step: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fit the first plane's place and the step from plane to plane, (3,) each, to frames of known planes."""
    if index.max() == 0:
        return origins.mean(axis=0), step
    factors = np.stack([np.ones(len(index)), index], axis=1)
    (first, fitted), *_ = np.linalg.lstsq(factors, origins, rcond=None)
    return first, fitted
