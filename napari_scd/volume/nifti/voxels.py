"""Reads the voxels of an opened image with no more memory than they need."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from nibabel.arrayproxy import ArrayProxy, is_proxy
from nibabel.openers import ImageOpener

from napari_scd.errors import ChooseFrame, InputError, WrongChannels
from napari_scd.volume.nifti.compression import Decompressed

if TYPE_CHECKING:
    from nibabel.spatialimages import SpatialImage

    from napari_scd.volume.orientation import Undo

_TRAILER = 4096  # more bytes than MGH's footer
_BYTES_BEHIND = "There are bytes after the end of the compressed file; they were ignored."


class FileVoxels(NamedTuple):
    """FileVoxels in the order wanted, and sentences for the user about the file they come from."""

    array: np.ndarray
    warnings: tuple[str, ...] = ()


class _Stored(NamedTuple):
    """Numbers in the file's own axis order, what scales them, and sentences for the user."""

    numbers: np.ndarray
    slope: float = 1.0
    intercept: float = 0.0
    warnings: tuple[str, ...] = ()


def read_voxels(
    image: SpatialImage, turn: Undo, *, frame: int | None = None, channels: int | None = None
) -> FileVoxels:
    """Read one 3D volume, or the channels of a 4D one, in a given axis order.

    Parameters
    ----------
    image
        An image nibabel opened.
    turn
        From the file's axis order to the one wanted.
    frame
        Which 3D volume of a 4D file, counted from 0. Only this frame is read.
    channels
        How many channels the caller needs; with 2 or more the last axis of the file must have this length.

    Returns
    -------
    The array is (z, y, x), or (c, z, y, x) when ``channels`` is 2 or more. Integers come as they are stored
    when the file scales by 1 and shifts by 0, everything else as float32.

    Raises
    ------
    ChooseFrame
        When the file holds several volumes and none was chosen.
    WrongChannels
        When the file holds another number of channels.
    InputError
        When the file's axes do not fit in another way.
    """
    stored = _stored(image, _choose(image.shape, frame, channels))
    numbers = np.moveaxis(stored.numbers, -1, 0) if stored.numbers.ndim == 4 else stored.numbers
    return FileVoxels(_values(turn(numbers), stored.slope, stored.intercept), stored.warnings)


def _choose(shape: tuple[int, ...], frame: int | None, channels: int | None) -> tuple[int | slice, ...]:
    """Return the index into the file's axes that takes what was asked for."""
    extra = [int(n) for n in shape[3:] if n != 1]
    if len(extra) > 1:
        raise InputError(f"The file is {len(shape)}D (shape {tuple(shape)}); give a 3D or 4D image.")
    n_frames = extra[0] if extra else 1
    take: int | slice = _frame(n_frames, frame)
    if channels is not None and channels > 1:
        if frame is not None:
            raise InputError(
                f"A frame was chosen, but all {channels} channels are needed; leave the frame out."
            )
        if n_frames != channels:
            raise WrongChannels(channels, n_frames, "The file")
        take = slice(None)
    elif n_frames > 1 and frame is None:
        raise ChooseFrame(n_frames, f"The file is 4D with {n_frames} volumes")
    return (slice(None),) * 3 + tuple(0 if n == 1 else take for n in shape[3:])


def _frame(n_frames: int, frame: int | None) -> int:
    if frame is None:
        return 0
    if not 0 <= frame < n_frames:
        count = f"the frames 0 to {n_frames - 1}" if n_frames > 1 else "one frame, 0"
        raise InputError(f"Frame {frame} was requested, but the file has {count}; choose one of these.")
    return int(frame)


def _stored(image: SpatialImage, index: tuple[int | slice, ...]) -> _Stored:
    data = image.dataobj
    if not is_proxy(data):
        return _Stored(np.asarray(data)[index])
    with ImageOpener(data.file_like) as file:
        unscaled = ArrayProxy(file, (data.shape, data.dtype, data.offset), mmap=False)
        if any(isinstance(at, int) and n > 1 for at, n in zip(index, data.shape, strict=True)):
            stored = unscaled[index]
        else:
            stored = np.asarray(unscaled)[index]
        file.read(_TRAILER)  # at the end of the data the checksum is compared
    behind = isinstance(data.file_like, Decompressed) and data.file_like.has_bytes_behind
    warnings = (_BYTES_BEHIND,) if behind else ()
    return _Stored(stored, float(data.slope), float(data.inter), warnings)


def _values(stored: np.ndarray, slope: float, inter: float) -> np.ndarray:
    """Scale stored numbers; the result is contiguous, in the machine's byte order."""
    scaled = (slope, inter) != (1.0, 0.0)
    if not scaled:
        kind = stored.dtype.newbyteorder("=") if stored.dtype.kind in "iub" else np.float32
        with np.errstate(over="ignore"):
            return np.require(stored, dtype=kind, requirements=("C", "W"))
    values = np.empty(stored.shape, dtype=np.float32)
    with np.errstate(over="ignore"):
        # slice by slice: in double precision, without a double copy of the whole
        for index in np.ndindex(stored.shape[:-2]):
            values[index] = stored[index] * np.float64(slope) + np.float64(inter)
    return values
