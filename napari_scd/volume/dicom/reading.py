"""A DICOM series becomes a volume, with exact geometry."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_scd.errors import ChooseFrame, InputError, WrongChannels
from napari_scd.volume.dicom.choosing import choose_series
from napari_scd.volume.dicom.decoding import same_pixels
from napari_scd.volume.dicom.series import Series, find_series
from napari_scd.volume.dicom.stack import stack_images
from napari_scd.volume.dicom.values import read_values
from napari_scd.volume.left_out import sentence_on
from napari_scd.volume.orientation import AXES, turn_to
from napari_scd.volume.volume import Source, Volume

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_scd.volume.dicom.stack import Stack
    from napari_scd.volume.dicom_image import Image


_LONELY = "Each slice says that it is a series of its own; they were put together by number and description."


def read_series(
    path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    series: str | None = None,
    frame: int | None = None,
    channels: int | None = None,
) -> Volume:
    """Read a DICOM series into the axis order nearest to (S, P, L).

    Parameters
    ----------
    path
        A folder (subfolders included), any file of the series, or the files of all of its slices.
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
    name = _name_of(path)
    chosen = choose_series(find_series(path), series, name)
    return volume_of(chosen, name, frame=frame, channels=channels)


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
        values = [read_values(images) for images in frames]
        array = values[0].array if len(values) == 1 else np.stack([one.array for one in values])
    except InputError as error:
        raise error.reworded(f"{name}: {error} {sentence_on(series.left_out)}") from error
    except MemoryError as error:
        raise InputError(f"{name} does not fit into memory; crop it to the part you need.") from error
    turn = turn_to(AXES, stack.affine)
    affine = stack.affine @ turn.matrix(array.shape[-3:])
    array = np.ascontiguousarray(turn(array))
    shape, images = array.shape[-3:], frames[0]
    left_out = (*series.left_out, *stack.left_out)
    source = Source(
        name,
        series.path,
        None,
        affine,
        shape,
        turn.inverse(),
        images,
        modality=series.modality,
        left_out=left_out,
    )
    sentences = [_LONELY] if len({image.series.uid for image in series.images}) > 1 else []
    sentences += [sentence_on(left_out)] if left_out else []
    warnings = dict.fromkeys(
        (*stack.warnings, *(text for one in values for text in one.warnings), *sentences)
    )
    return Volume(array, affine, source, tuple(warnings))


def _name_of(path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> str:
    if isinstance(path, str | os.PathLike):
        return Path(path).name
    folders = {Path(one).parent for one in path}
    return folders.pop().name if len(folders) == 1 else Path(os.path.commonpath(folders)).name


def _frames(stack: Stack, frame: int | None, channels: int | None) -> tuple[tuple[Image, ...], ...]:
    """Return the scans to read: one, or one for each channel."""
    count = len(stack.frames)
    if channels is not None and channels > 1:
        if count != channels or frame is not None:
            raise WrongChannels(channels, count, "The series")
        return stack.frames
    if count > 1 and frame is None:
        raise ChooseFrame(count, f"The series holds {count} scans of one place (phases or echoes)")
    if not 0 <= (frame or 0) < count:
        raise InputError(f"Frame {frame} was requested, but the series has the frames 0 to {count - 1}.")
    return (stack.frames[frame or 0],)
