"""Read and write scans and label maps: NIfTI, MGH and DICOM, with exact geometry, whole or not at all."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_scd.errors import InputError
from napari_scd.volume.atomic import atomic_path
from napari_scd.volume.dicom import (
    check_segmentable,
    is_dicom,
    is_segmentation,
    read_segmentation,
    read_series,
    write_segmentation,
)
from napari_scd.volume.nifti import (
    LABELS_WRITABLE,
    UNREADABLE,
    WRITABLE,
    check_ending,
    damaged,
    encode,
    names_extension,
    open_image,
    read_geometry,
    read_voxels,
    table_in_header,
    wrong_name,
)
from napari_scd.volume.orientation import AXES, turn_to
from napari_scd.volume.volume import Source, Volume, times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nibabel.spatialimages import SpatialImage

    from napari_scd.volume.labels import LabelTable

_LABEL_TYPES = (np.uint8, np.uint16, np.int32, np.int64)


def read_volume(
    path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    frame: int | None = None,
    channels: int | None = None,
    series: str | None = None,
) -> Volume:
    """Read a scan into the axis order nearest to (S, P, L).

    Parameters
    ----------
    path
        A NIfTI (.nii, .nii.gz, or .hdr with .img) or FreeSurfer (.mgh, .mgz) file; for DICOM a folder, any
        file of a series, or a list of the files of its slices.
    frame
        Which volume of a 4D file, counted from 0.
    channels
        How many channels the caller needs: with 2 or more, the file's last axis must have that length.
    series
        Which of a folder's DICOM series: its number, as :func:`napari_scd.volume.dicom.find_series` lists
        them.

    Returns
    -------
    A volume whose array is (z, y, x), or (c, z, y, x) when ``channels`` is 2 or more: integers as stored
    where the file does not scale them, else float32. Small rotations stay in the affine.

    Raises
    ------
    Unreadable
        When the file is missing, damaged or of another kind.
    ChooseFrame, ChooseSeries
        When there are several and none was chosen.
    WrongChannels
        When the file holds another number of channels.
    InputError
        When the image cannot be used for another reason.
    """
    if not isinstance(path, str | os.PathLike) or is_dicom(path):
        return read_series(path, series=series, frame=frame, channels=channels)
    path = Path(path)
    if series is not None:
        raise InputError(f"A series was chosen, but {path.name} is not DICOM; leave the series out.")
    image = open_image(path)
    try:
        volume = from_nibabel(image, path.name, frame=frame, channels=channels, path=path)
    except InputError as error:
        raise error.reworded(f"{path.name}: {error}") from error
    except UNREADABLE as error:
        raise damaged(path, error) from error
    except MemoryError as error:
        raise InputError(f"{path.name} does not fit into memory; crop it to the part you need.") from error
    misnamed = wrong_name(Path(image.file_map["image"].filename))
    return replace(volume, warnings=(*volume.warnings, misnamed)) if misnamed else volume


def from_nibabel(
    image: SpatialImage,
    name: str,
    *,
    frame: int | None = None,
    channels: int | None = None,
    path: Path | None = None,
) -> Volume:
    """Make a volume of an image that nibabel holds, as :func:`read_volume` does of a file."""
    if len(image.shape) < 3:
        raise InputError(f"The image is {len(image.shape)}D (shape {image.shape}); give a 3D volume.")
    geometry = read_geometry(image)
    turn = turn_to(AXES, geometry.affine)
    affine = geometry.affine @ turn.matrix(image.shape[:3])
    array, warnings = read_voxels(image, turn, frame=frame, channels=channels)
    source = Source(
        name, path, geometry.header, affine, array.shape[-3:], turn.inverse(), oriented=geometry.oriented
    )
    return Volume(array, affine, source, (*geometry.warnings, *warnings))


def read_labels(path: str | os.PathLike[str], *, frame: int | None = None) -> Volume:
    """Read a label map into the axis order nearest to (S, P, L).

    A DICOM segmentation gives the part of the scan's grid that its frames cover; :func:`paste` puts it back
    onto the whole grid.

    Returns
    -------
    A volume (z, y, x) in the smallest of uint8, uint16, int32 and int64 that holds its labels, also when the
    file stores them as floating point numbers.

    Raises
    ------
    InputError
        As in :func:`read_volume`, and when some values are not whole numbers.
    """
    if is_segmentation(path):
        return read_segmentation(path)[0]
    volume = read_volume(path, frame=frame)
    return volume.with_array(_whole_numbers(volume.array, Path(path).name))


def read_label_table(path: str | os.PathLike[str]) -> LabelTable | None:
    """Return the label table of a DICOM segmentation, or of a NIfTI file of this package; else None."""
    if is_segmentation(path):
        return read_segmentation(path)[1]
    return table_in_header(open_image(path).header)


def read_label_names(path: str | os.PathLike[str]) -> dict[int, str]:
    """Return the structures' names by number from a NIfTI file, empty when it carries none."""
    table = read_label_table(path)
    return {label.index: label.name for label in table.labels} if table else {}


def write_volume(path: str | os.PathLike[str], volume: Volume, like: Volume | None = None) -> None:
    """Write a volume; channels become the file's fourth axis.

    Parameters
    ----------
    path
        .nii, .nii.gz, .mgh or .mgz.
    volume
        The values to write; half precision and truth values are widened to what the format knows.
    like
        A volume on the same grid whose file gives axis order, affine, sform, qform and codes; ``volume``'s
        own file if left out.

    Raises
    ------
    InputError
        When the two grids differ or the file cannot be written; nothing is left behind then.
    """
    _save(path, volume.array, _grid_of(volume, like))


def write_labels(
    path: str | os.PathLike[str],
    labels: Volume,
    like: Volume | None = None,
    table: LabelTable | None = None,
    *,
    made_by: str = "napari-scd",
) -> None:
    """Write a label map as uint8, or uint16 where a label is above 255.

    Parameters
    ----------
    path
        .nii, .nii.gz, .mgh or .mgz; or .dcm for a DICOM segmentation, where ``like`` is a DICOM series.
    labels
        (z, y, x), whole numbers from 0 to 65535.
    like
        As in :func:`write_volume`: usually the scan the labels were made for.
    table
        Names and colours, kept in a NIfTI header extension (MGH files have no place for them).
    made_by
        The model's name, which a DICOM segmentation gives as its algorithm.

    Raises
    ------
    InputError
        When the two grids differ, a label is not such a number, or the file cannot be written; nothing is
        left behind then.
    """
    array = labels.array[0] if labels.array.ndim == 4 and labels.n_channels == 1 else labels.array
    if array.ndim != 3:
        raise InputError(f"The labels have {labels.n_channels} channels; give one label per voxel.")
    array = _whole_numbers(array, "the label map")
    if array.dtype not in (np.uint8, np.uint16):
        raise InputError(f"The labels run from {array.min()} to {array.max()}; give labels from 0 to 65535.")
    grid = _grid_of(labels, like)
    if check_ending(Path(path), LABELS_WRITABLE) == ".dcm":
        with atomic_path(path) as temporary:
            write_segmentation(temporary, array, grid, table, made_by)
        return
    _save(path, array, grid, table, intent="label")


def check_labels_writable(path: str | os.PathLike[str], like: Volume) -> None:
    """Make sure that labels of a scan can be written to such a file, before they are computed.

    Raises
    ------
    InputError
        When the ending is not one we write, or the scan cannot have a DICOM segmentation.
    """
    if check_ending(Path(path), LABELS_WRITABLE) == ".dcm":
        check_segmentable(like)


def _grid_of(volume: Volume, like: Volume | None) -> Volume:
    if like is None or like is volume:
        return volume
    if not volume.same_grid(like):
        raise InputError(
            f"The result ({times(volume.spatial_shape)} voxels) is not on the grid of the image it belongs "
            f"to ({times(like.spatial_shape)}); give results on that grid."
        )
    return like


def _save(
    path: str | os.PathLike[str],
    array: np.ndarray,
    grid: Volume,
    table: LabelTable | None = None,
    intent: str = "none",
) -> None:
    ending = check_ending(Path(path), WRITABLE)
    extension = names_extension(table) if table is not None else None
    with atomic_path(path) as temporary:
        encode(array, grid, ending=ending, extension=extension, intent=intent).to_filename(temporary)


def _whole_numbers(array: np.ndarray, name: str) -> np.ndarray:
    """Return labels in the smallest type of ``_LABEL_TYPES`` that holds them; rounding errors are mended."""
    if array.dtype.kind == "f":
        rounded = np.rint(array)
        if not np.isfinite(rounded).all() or np.abs(array - rounded).max() > 1e-3:
            raise InputError(f"Not all values of {name} are whole numbers; give a label map.")
        array = rounded
    low, high = int(array.min()), int(array.max())
    for dtype in _LABEL_TYPES:
        if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
            return array.astype(dtype, copy=False)
    raise InputError(f"{name} has labels up to {high}; give a label map.")
