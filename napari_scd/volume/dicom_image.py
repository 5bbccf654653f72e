"""What is known about one DICOM image without reading its voxels."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path


class SeriesHead(NamedTuple):
    """What all images of a series share."""

    uid: str
    number: int
    description: str
    modality: str
    study_uid: str = ""


class StackKey(NamedTuple):
    """What images must share to be stacked: size, voxel size, direction."""

    shape: tuple[int, int]
    spacing_mm: tuple[float, ...]
    orientation: tuple[float, ...]


class Contrast(NamedTuple):
    """What was measured: images of one scan agree in it, whatever their place.

    Parameters
    ----------
    temporal_index, temporal_position
        Which moment of a dynamic scan, by number.
    echo, echo_time_ms
        Which echo.
    b_value, direction
        How strongly and in which direction diffusion was weighted.
    inversion_ms, flip_deg
        Settings that are varied to measure relaxation times.
    phase_percent
        The part of a heartbeat or breath.
    kind
        Magnitude or phase, water or fat, and what else the image type says.
    """

    temporal_index: float = 0.0
    temporal_position: float = 0.0
    echo: float = 0.0
    echo_time_ms: float = 0.0
    b_value: float = 0.0
    direction: tuple[float, ...] = ()
    inversion_ms: float = 0.0
    flip_deg: float = 0.0
    phase_percent: float = 0.0
    kind: str = ""


class Moment(NamedTuple):
    """When an image was taken: grows from scan to scan, but also from slice to slice of one scan.

    Parameters
    ----------
    acquisition
        The AcquisitionNumber.
    trigger_ms
        After the heartbeat.
    acquired_s, stored_s
        Date and time of acquisition and of the content, in seconds; -1 where the file does not say.
    """

    acquisition: float = 0.0
    trigger_ms: float = 0.0
    acquired_s: float = -1.0
    stored_s: float = -1.0


class Encoding(NamedTuple):
    """How the numbers of an image are stored, and what they mean.

    Parameters
    ----------
    bits
        How many bits of each number count; 0 for floating point numbers.
    high_bit
        The place of the highest of them, from 0.
    signed
        Whether the numbers can be negative.
    slope, intercept
        From stored to meant values.
    inverted
        Whether low numbers are meant to be shown bright (MONOCHROME1).
    padding
        The stored numbers, from first to last, that say "outside of the scan"; empty where there are none.
    says_scale, says_sign
        Whether the header has slope or intercept, and says whether numbers are signed.
    has_table
        Whether a table, not slope and intercept, leads to meant values.
    unit
        Of the meant values, such as "HU"; empty where the header does not say.
    """

    bits: int = 16
    high_bit: int = 15
    signed: bool = False
    slope: float = 1.0
    intercept: float = 0.0
    inverted: bool = False
    padding: tuple[int, ...] = ()
    says_scale: bool = True
    says_sign: bool = True
    has_table: bool = False
    unit: str = ""


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
    number
        The InstanceNumber.
    contrast, moment, stack_id
        What tells apart images of one place, and images of passes that overlap.
    other_tags
        What may tell them apart where these do not; each image of a file holds equally many.
    encoding
        What the stored numbers mean.
    tiles
        How many slices are drawn side by side in it: more than 1 for a mosaic.
    n_frames
        How many images the file holds.
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
    number: int
    contrast: Contrast
    moment: Moment
    stack_id: str
    encoding: Encoding
    tiles: int = 1
    n_frames: int = 1
    other_tags: tuple[str, ...] = ()

    @property
    def stack(self) -> StackKey:
        """What images must share with this one to be stacked with it."""
        return StackKey(self.shape, self.spacing_mm, self.orientation)
