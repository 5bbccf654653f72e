"""Open an image file and refuse, with one sentence, what is no whole scan; no voxel is read here."""

from __future__ import annotations

import gzip
import logging
import math
import os
import struct
import warnings
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np
from nibabel.analyze import AnalyzeImage
from nibabel.freesurfer.mghformat import MGHImage

from napari_scd.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nibabel.spatialimages import SpatialImage

READABLE = (".nii", ".nii.gz", ".hdr", ".img", ".hdr.gz", ".img.gz", ".mgh", ".mgz")
"""File endings this package reads."""

WRITABLE = (".nii", ".nii.gz", ".mgh", ".mgz")
"""File endings this package writes."""

LABELS_WRITABLE = (*WRITABLE, ".dcm")
"""File endings this package writes label maps to; ``.dcm`` is a DICOM segmentation."""

UNREADABLE = (OSError, EOFError, zlib.error)
"""What is raised when voxels are missing or garbled."""

_NIFTI1_BYTES, _NIFTI2_BYTES = 348, 540
_MOST_EXTENSION_BYTES = 2**26
_MAX_GZIP_RATIO = 1032  # the most that deflate can shrink a run of zeros


def open_image(path: str | os.PathLike[str]) -> SpatialImage:
    """Open a NIfTI, Analyze or MGH file without reading its voxels.

    Parameters
    ----------
    path
        A file with one of the endings in ``READABLE``; either half of an .hdr and .img pair.

    Raises
    ------
    InputError
        When the file is missing, is no such image, holds colours or complex numbers, has no voxels, or is
        shorter than its header says.
    """
    path = Path(path)
    if os.path.isdir(path):
        raise InputError(f"{path} is a folder without DICOM files; give an image file, or a DICOM folder.")
    check_ending(path, READABLE)
    _check_readable(path)
    _check_start(path)
    try:
        with quiet_nibabel():
            image = nib.load(path, mmap=False)
    except Exception as error:  # nibabel raises all kinds of them on damaged headers
        raise damaged(path, error) from error
    if not isinstance(image, AnalyzeImage | MGHImage):
        raise InputError(f"{path.name} holds a {type(image).__name__}; give a NIfTI or MGH volume.")
    _check_declared(image, path)
    return image


def check_ending(path: Path, endings: tuple[str, ...]) -> str:
    """Return a file name's ending in small letters, or raise InputError when it is none of those given."""
    for ending in sorted(endings, key=len, reverse=True):
        if path.name.lower().endswith(ending):
            return ending
    raise InputError(f"{path.name} has an unknown ending; give a file that ends in {', '.join(endings)}.")


def damaged(path: Path, error: BaseException) -> InputError:
    """Return the error that tells the user a file cannot be read, and why."""
    if isinstance(error, EOFError | zlib.error) or "Expected" in str(error):
        return InputError(f"{path.name} is truncated or damaged; copy or export it again.")
    return InputError(f"{path.name} is no readable NIfTI or MGH image; copy or export it again.")


def _check_readable(path: Path) -> None:
    if os.path.exists(path) and not os.path.isfile(path):  # opening a pipe would wait for ever
        raise InputError(f"{path} is no ordinary file; give an image file.")
    try:
        path.open("rb").close()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(f"There is no file {path}; check the name.") from error
    except PermissionError as error:
        raise InputError(f"Cannot read {path}: no permission; make the file readable.") from error
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror}; check the name and the disk.") from error


def _check_start(path: Path) -> None:
    """Refuse a compressed NIfTI file that would unfold to a flood of header extensions."""
    if not path.name.lower().endswith((".nii.gz", ".hdr.gz")):
        return
    try:
        with gzip.open(path) as file:
            start = file.read(_NIFTI2_BYTES)
    except UNREADABLE:
        return
    offset = 0.0
    for order in "<>":
        if struct.unpack(f"{order}i", start[:4].ljust(4, b"\0"))[0] == _NIFTI1_BYTES and len(start) > 112:
            offset = struct.unpack(f"{order}f", start[108:112])[0]
        elif struct.unpack(f"{order}i", start[:4].ljust(4, b"\0"))[0] == _NIFTI2_BYTES and len(start) > 176:
            offset = struct.unpack(f"{order}q", start[168:176])[0]
    if offset > _MOST_EXTENSION_BYTES:
        raise InputError(
            f"{path.name} has header extensions of {offset / 2**20:.0f} MiB before its voxels; "
            "export it again."
        )


def _check_declared(image: SpatialImage, path: Path) -> None:
    """Hold what the header declares against reason and the file's size, before memory is asked for."""
    shape = tuple(int(n) for n in image.shape)
    dtype = image.get_data_dtype()
    if dtype.kind == "V":
        raise InputError(f"{path.name} holds colours (RGB); give a scan with one number per voxel.")
    if dtype.kind not in "buif":
        raise InputError(f"{path.name} holds numbers of type {dtype}; give a scan with real numbers.")
    if min(shape, default=0) < 1:
        raise InputError(f"{path.name} has no voxels (shape {shape}); give a scan with at least one.")
    file = Path(image.file_map["image"].filename)
    if not file.exists():
        raise InputError(f"{path.name} has no {file.name} beside it; put both halves into one folder.")
    room = file.stat().st_size
    if file.name.lower().endswith((".gz", ".mgz")):
        room = room * _MAX_GZIP_RATIO
    needed = image.dataobj.offset + math.prod(shape) * dtype.itemsize
    if needed > room:
        raise InputError(
            f"{path.name} is truncated: its header promises {' x '.join(map(str, shape))} voxels, more than "
            "the file can hold; copy or export it again."
        )


@contextmanager
def quiet_nibabel() -> Iterator[None]:
    """Keep nibabel and numpy quiet about odd headers: we check what matters ourselves."""
    logger = logging.getLogger("nibabel.global")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
