"""Read DICOM segmentations, our own and those of other programs."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_scd.errors import InputError, Unreadable
from napari_scd.volume.dicom.decoding import decode
from napari_scd.volume.dicom.headers import read_header
from napari_scd.volume.dicom.recognise import is_dicom_file, library, quiet_pydicom
from napari_scd.volume.dicom.segmentation_grid import frames_in, grid_of
from napari_scd.volume.labels import Label, LabelTable
from napari_scd.volume.orientation import AXES, turn_to
from napari_scd.volume.palette import colour_of_rank
from napari_scd.volume.volume import Source, Volume

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from napari_scd.volume.dicom.segmentation_grid import SegmentationFrame

_STORAGE = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
_NUMBER = re.compile(r"napari-scd label (\d+)")
_OVERLAP = "Some segments overlap; the later one is shown there."
_FRACTIONAL = "The file holds fractions; a voxel counts as inside where its fraction is one half or more."
_UNKNOWN = "Some voxels have the number of a segment that the file does not describe; they are left out."


def is_segmentation(path: str | os.PathLike[str]) -> bool:
    """Tell whether a file is a DICOM segmentation."""
    path = Path(path)
    if os.path.isdir(path) or not is_dicom_file(path):
        return False
    with quiet_pydicom():
        header = read_header(path, ("SOPClassUID",))
        return header is not None and str(header.get("SOPClassUID")) in _STORAGE


def read_segmentation(path: str | os.PathLike[str]) -> tuple[Volume, LabelTable]:
    """Read a DICOM segmentation: the part of the grid its frames cover, and the names of its segments.

    Returns
    -------
    labels
        (z, y, x) in the axis order nearest to (S, P, L), uint8 or uint16. Of overlapping segments the later
        one counts, and of fractions the largest that is one half or more; a warning says so.
    table
        Structures by number: the numbers they had when napari-scd wrote the file, else the segments'.

    Raises
    ------
    Unreadable
        When the file is not such a segmentation, or is damaged.
    """
    path = Path(path)
    try:
        dataset = _open(path)
        frames = frames_in(dataset)
        table, number_of = _table(dataset, {frame.segment for frame in frames if frame.segment is not None})
        grid = grid_of(frames)
        shape = (grid.n_planes, int(dataset.Rows), int(dataset.Columns))
        painter = _Painter(shape, number_of, _whole_of(dataset))
        for frame, plane, stored in zip(
            frames, grid.plane_of, _planes(path, dataset, len(frames)), strict=True
        ):
            painter.add(frame, plane, stored)
    except InputError:
        raise
    except Exception as error:  # unknown bytes can make the parser raise anything
        raise Unreadable(path, f"{path.name} is a damaged DICOM segmentation; export it again.") from error
    kind = np.uint8 if max(table.indices, default=0) < 256 else np.uint16
    turn = turn_to(AXES, grid.affine)
    affine = grid.affine @ turn.matrix(painter.labels.shape)
    source = Source(path.name, path, None, affine, None)
    array = np.ascontiguousarray(turn(painter.labels)).astype(kind)
    return Volume(array, affine, source, painter.warnings), table


def _open(path: Path) -> Any:
    if not os.path.exists(path):
        raise Unreadable(path, f"There is no file {path}; check the name.")
    if not is_segmentation(path):
        raise Unreadable(path, f"{path.name} is not a DICOM segmentation; give one, or a NIfTI label map.")
    with quiet_pydicom():
        return library("pydicom").dcmread(path, stop_before_pixels=True, force=True)


def _whole_of(dataset: Any) -> float:
    """Return the stored number that means "all of the voxel" where the file holds fractions, else 0."""
    if dataset.get("SegmentationType") != "FRACTIONAL":
        return 0.0
    return float(dataset.get("MaximumFractionalValue") or 255)


def _table(dataset: Any, used: set[int]) -> tuple[LabelTable, dict[int, int]]:
    """Return the label table, and the label of each segment number; frames may use numbers not described."""
    segments = [segment for segment in dataset.get("SegmentSequence") or () if int(segment.SegmentNumber)]
    numbers = [int(segment.SegmentNumber) for segment in segments]
    own = [_NUMBER.fullmatch(str(segment.get("SegmentDescription") or "")) for segment in segments]
    if all(own) and len({match[1] for match in own if match}) == len(own):
        indices = [int(match[1]) for match in own if match]
    else:
        indices = numbers
    labels: list[Label] = []
    for rank, (segment, index) in enumerate(zip(segments, indices, strict=True)):
        name = "".join(
            letter for letter in str(segment.get("SegmentLabel") or "") if letter.isprintable()
        ).strip()
        labels.append(Label(index, name or f"segment {index}", _colour(segment) or colour_of_rank(rank)))
    for number in sorted(used - set(numbers)):
        free = number if number not in indices else max(indices) + 1
        labels.append(Label(free, f"segment {number}", colour_of_rank(len(labels))))
        numbers, indices = [*numbers, number], [*indices, free]
    return LabelTable(_named_apart(labels)), dict(zip(numbers, indices, strict=True))


def _named_apart(labels: Sequence[Label]) -> tuple[Label, ...]:
    """Add the number to segments that share a name."""
    names = [label.name for label in labels]
    taken: set[str] = set()
    apart = []
    for label in labels:
        name = label.name if names.count(label.name) == 1 else f"{label.name} {label.index}"
        while name in taken:
            name += "'"
        taken.add(name)
        apart.append(Label(label.index, name, label.colour))
    return tuple(apart)


def _colour(segment: Any) -> tuple[int, int, int] | None:
    lab = segment.get("RecommendedDisplayCIELabValue")
    try:
        colour = library("highdicom").color.CIELabColor.from_dicom_value(list(lab))
        red, green, blue = (int(part) for part in colour.to_rgb(clip=True))
    except (ValueError, TypeError):
        return None
    return red, green, blue


def _planes(path: Path, dataset: Any, n_frames: int) -> Iterator[np.ndarray]:
    """Yield the frames; those of one bit a pixel follow each other without regard for bytes."""
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    if int(dataset.BitsAllocated) != 1 or (syntax is not None and syntax.is_encapsulated):
        yield from decode(path, range(n_frames))
        return
    n = int(dataset.Rows) * int(dataset.Columns)
    with quiet_pydicom():
        packed = np.frombuffer(library("pydicom").dcmread(path, force=True).PixelData, np.uint8)
    if packed.size * 8 < n_frames * n:
        raise Unreadable(path, f"{path.name} is truncated; export it again.")
    stride = 8 * frame_bytes(n, n_frames, packed.size) or n
    for begin in range(0, n_frames * stride, stride):
        bits = np.unpackbits(packed[begin // 8 : -(-(begin + n) // 8)], bitorder="little")
        yield bits[begin % 8 : begin % 8 + n].reshape(dataset.Rows, dataset.Columns)


def frame_bytes(n_pixels: int, n_frames: int, n_bytes: int) -> int:
    """Return how many bytes a frame of one bit a pixel takes up; 0 where frames follow each other bit by bit.

    Some programs begin every frame with a new byte, which DICOM does not allow; the size of all tells.

    Examples
    --------
    >>> frame_bytes(156, 4, 78), frame_bytes(156, 4, 80), frame_bytes(160, 4, 80)
    (0, 20, 0)
    """
    by_bytes = -(-n_pixels // 8) * n_frames
    by_bits = -(-n_pixels * n_frames // 8)
    return (
        by_bytes // n_frames
        if n_bytes - n_bytes % 2 >= by_bytes + by_bytes % 2 > by_bits + by_bits % 2
        else 0
    )


class _Painter:
    """Paints frames into a label map.

    Parameters
    ----------
    shape
        Planes, rows, columns.
    number_of
        The label of each segment number.
    whole
        The stored number that means "all of the voxel" where frames hold fractions, else 0.
    """

    def __init__(self, shape: tuple[int, int, int], number_of: dict[int, int], whole: float) -> None:
        self.labels = np.zeros(shape, np.uint16)
        self._number_of = number_of
        self._whole = whole
        self._largest = np.zeros(shape if whole else (0,), np.float32)
        self._warnings: dict[str, None] = {}

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the user should know about the labels."""
        return tuple(self._warnings)

    def add(self, frame: SegmentationFrame, plane: int, stored: np.ndarray) -> None:
        """Paint one frame, (row, column)."""
        labels = self.labels[plane]
        if frame.segment is None:
            self._add_label_map(labels, stored)
        elif self._whole:
            self._warnings[_FRACTIONAL] = None
            inside = (stored >= self._whole / 2) & (stored > self._largest[plane])
            self._largest[plane][inside] = stored[inside]
            labels[inside] = self._number_of[frame.segment]
        else:
            inside = stored > 0
            if labels[inside].any():
                self._warnings[_OVERLAP] = None
            labels[inside] = self._number_of[frame.segment]

    def _add_label_map(self, labels: np.ndarray, stored: np.ndarray) -> None:
        for number in np.unique(stored[stored > 0]).tolist():
            if number in self._number_of:
                labels[stored == number] = self._number_of[number]
            else:
                self._warnings[_UNKNOWN] = None
