"""A DICOM series becomes a volume, with exact geometry."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_scd.errors import InputError
from napari_scd.volume.dicom.series import Series, choose_series, find_series
from napari_scd.volume.dicom.stack import stack_images
from napari_scd.volume.dicom.voxels import read_images_voxels, same_pixels
from napari_scd.volume.orientation import AXES, turn_to
from napari_scd.volume.volume import Source, Volume

if TYPE_CHECKING:
    import os

    from napari_scd.volume.dicom.headers import Image
    from napari_scd.volume.dicom.stack import Stack


def read_series(
    path: str | os.PathLike[str],
    *,
    series: str | None = None,
    frame: int | None = None,
    channels: int | None = None,
) -> Volume:
    """Read a DICOM series into the axis order nearest to (S, P, L).

    Parameters
    ----------
    path
        A folder (subfolders included), or any file of the series.
    series
        Which of several series: its number, as :func:`find_series` lists them.
    frame
        Which scan of a series that holds several of one place (phases, echoes), from 0.
    channels
        How many channels the caller needs: with 2 or more, the series must hold that many scans of one place.

    Returns
    -------
    A volume whose array is (z, y, x), or (c, z, y, x); CT in Hounsfield units. Tilts stay in the affine.

    Raises
    ------
    InputError
        When there is no such series or it makes no volume; one sentence each.
    """
    path = Path(path)
    chosen = choose_series(find_series(path), series, path.name)
    return volume_of(chosen, path.name, frame=frame, channels=channels)


def volume_of(
    series: Series,
    name: str,
    *,
    frame: int | None = None,
    channels: int | None = None,
    every_frame: bool = False,
) -> Volume:
    """Read a series that was found before, as :func:`read_series` does.

    Parameters
    ----------
    name
        For messages and reports.
    every_frame
        Take all scans of one place there are, as channels when there are several.
    """
    try:
        stack = stack_images(series.images, same_pixels)
        frames = stack.frames if every_frame else _frames(stack, frame, channels)
        array = np.stack([read_images_voxels(images) for images in frames])
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    except MemoryError as error:
        raise InputError(f"{name} does not fit into memory; cut out the part you need.") from error
    turn = turn_to(AXES, stack.affine)
    affine = stack.affine @ turn.matrix(array.shape[-3:])
    array = np.ascontiguousarray(turn(array if len(frames) > 1 else array[0]))
    shape, images = array.shape[-3:], frames[0]
    source = Source(name, series.path, None, affine, shape, turn.inverse(), images)
    return Volume(array, affine, source, stack.warnings)


def _frames(stack: Stack, frame: int | None, channels: int | None) -> tuple[tuple[Image, ...], ...]:
    """Return the scans to read: one, or one for each channel."""
    count = len(stack.frames)
    if channels is not None and channels > 1:
        if count != channels or frame is not None:
            raise InputError(
                f"{channels} channels are needed and the series holds {count} of one place; give a series "
                f"with {channels}, or one file for each channel."
            )
        return stack.frames
    if count > 1 and frame is None:
        raise InputError(
            f"The series holds {count} scans of one place (phases or echoes); choose a frame from 0 to "
            f"{count - 1} (--frame)."
        )
    if not 0 <= (frame or 0) < count:
        raise InputError(f"Frame {frame} was asked for and the series has the frames 0 to {count - 1}.")
    return (stack.frames[frame or 0],)
