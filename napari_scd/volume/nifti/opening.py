"""Opens an image file and rejects, with one sentence, what is not a complete scan; no voxel is read here."""

from __future__ import annotations

import logging
import math
import os
import struct
import warnings
import zlib
from contextlib import contextmanager
from gzip import BadGzipFile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
from nibabel.analyze import AnalyzeImage
from nibabel.fileholders import FileHolder
from nibabel.freesurfer.mghformat import MGHImage

from napari_scd.errors import InputError, Unreadable
from napari_scd.volume.nifti.compression import GZIP_MAGIC, MAX_RATIO, is_compressed, open_as_it_is
from napari_scd.volume.nifti.endings import READABLE, check_ending, named_compressed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nibabel.spatialimages import SpatialImage

UNREADABLE = (OSError, EOFError, zlib.error)
"""What is raised when voxels are missing or garbled."""

_NIFTI1_BYTES, _NIFTI2_BYTES = 348, 540
_MOST_EXTENSION_BYTES = 2**26
_OTHER_HALF = {".hdr": ".img", ".img": ".hdr"}


def open_image(path: str | os.PathLike[str]) -> SpatialImage:
    """Open a NIfTI, Analyze or MGH file without reading its voxels.

    Parameters
    ----------
    path
        A file with one of the endings in ``READABLE``; either half of an .hdr and .img pair. Whether it is
        compressed is told by its contents.

    Raises
    ------
    Unreadable
        When the file is missing, is not such an image, holds colours or complex numbers, has no voxels, or is
        shorter than its header says.
    """
    path = Path(path)
    if os.path.isdir(path):
        raise Unreadable(
            path, f"{path} is a folder without DICOM files; give an image file, or a DICOM folder."
        )
    ending = check_ending(path, READABLE)
    _check_readable(path)
    _check_other_half(path, ending)
    _check_start(path)
    try:
        with quiet_nibabel():
            image = _load(path, ending)
    except Exception as error:  # nibabel raises all kinds of them on damaged headers
        raise damaged(path, error) from error
    if not isinstance(image, AnalyzeImage | MGHImage):
        raise Unreadable(path, f"{path.name} holds a {type(image).__name__}; give a NIfTI or MGH volume.")
    _check_declared(image, path)
    return image


def damaged(path: Path, error: BaseException) -> InputError:
    """Return the error that tells the user a file cannot be read, and why."""
    too_short = isinstance(error, OSError) and error.errno is None and not isinstance(error, BadGzipFile)
    if too_short or isinstance(error, EOFError | zlib.error):  # nibabel raises a bare OSError at an early end
        return Unreadable(path, f"{path.name} is truncated or damaged; copy or export it again.")
    return Unreadable(path, f"{path.name} is not a readable NIfTI or MGH image; copy or export it again.")


def _check_readable(path: Path) -> None:
    if os.path.exists(path) and not os.path.isfile(path):  # opening a pipe would wait forever
        raise Unreadable(path, f"{path} is not a regular file; give an image file.")
    try:
        path.open("rb").close()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Unreadable(path, f"There is no file {path}; check the name.") from error
    except PermissionError as error:
        raise Unreadable(path, f"Cannot read {path}: no permission; make the file readable.") from error
    except OSError as error:
        raise Unreadable(
            path, f"Cannot read {path}: {error.strerror}; check the name and the disk."
        ) from error


def _check_other_half(path: Path, ending: str) -> None:
    """Refuse a header without voxels, and voxels without a header."""
    other = _OTHER_HALF.get(ending[:4])
    if other is None:
        return
    stem = path.name[: -len(ending)]
    names = [f"{stem}{half}{packed}" for half in (other, other.upper()) for packed in ("", ".gz", ".GZ")]
    if not any(os.path.isfile(path.with_name(name)) for name in names):
        raise Unreadable(path, f"{path.name} has no {names[0]} beside it; put both halves into one folder.")


def _check_start(path: Path) -> None:
    """Reject a compressed file that expands to endless header extensions, or that is compressed twice."""
    if not is_compressed(path):
        return
    try:
        with open_as_it_is(path) as file:
            start = file.read(_NIFTI2_BYTES)
    except UNREADABLE:
        return
    if start[:2] == GZIP_MAGIC:
        raise Unreadable(path, f"{path.name} is compressed twice; decompress it once.")
    offset = 0.0
    for order in "<>":
        size = struct.unpack(f"{order}i", start[:4].ljust(4, b"\0"))[0]
        if size == _NIFTI1_BYTES and len(start) > 112:
            offset = struct.unpack(f"{order}f", start[108:112])[0]
        elif size == _NIFTI2_BYTES and len(start) > 176:
            offset = struct.unpack(f"{order}q", start[168:176])[0]
    if offset > _MOST_EXTENSION_BYTES:
        raise Unreadable(
            path,
            f"{path.name} has header extensions of {offset / 2**20:.0f} MiB before its voxels; "
            "export it again.",
        )


def _load(path: Path, ending: str) -> SpatialImage:
    """Load a file by its contents; what its name says of compression may be wrong."""
    with open_as_it_is(path) as file:
        start = file.read(4)
    sizes = {struct.unpack(f"{order}i", start.ljust(4, b"\0"))[0] for order in "<>"}
    if ending in (".mgh", ".mgz"):
        return _load_as(MGHImage, path)
    plain = not is_compressed(path) and not named_compressed(path)
    if ending not in (".nii", ".nii.gz") or (_NIFTI2_BYTES in sizes and plain):
        return nib.load(path, mmap=False)  # which knows CIFTI as well
    if _NIFTI2_BYTES in sizes:
        return _load_as(nib.Nifti2Image, path)
    try:
        return _load_as(nib.Nifti1Image, path)
    except ValueError:  # of a rotation that is a millionth too long, for instance
        return _load_as(_RoundedNifti1Image, path)


def _load_as(kind: Any, path: Path) -> SpatialImage:
    holder = FileHolder(filename=str(path), fileobj=open_as_it_is(path))
    return kind.from_file_map({"image": holder}, mmap=False)


class _RoundedNifti1Header(nib.Nifti1Header):  # type: ignore[misc]
    """A header whose rotation was rounded so far that nibabel refuses it."""

    quaternion_threshold = -1e-4


class _RoundedNifti1Image(nib.Nifti1Image):  # type: ignore[misc]
    """An image with such a header."""

    header_class = _RoundedNifti1Header


def _check_declared(image: SpatialImage, path: Path) -> None:
    """Check what the header declares against reason and the file's size, before memory is requested."""
    shape = tuple(int(n) for n in image.shape)
    dtype = image.get_data_dtype()
    if dtype.kind == "V":
        raise Unreadable(path, f"{path.name} holds colours (RGB); give a scan with one number per voxel.")
    if dtype.kind not in "buif":
        raise Unreadable(path, f"{path.name} holds numbers of type {dtype}; give a scan with real numbers.")
    if min(shape, default=0) < 1:
        raise Unreadable(path, f"{path.name} has no voxels (shape {shape}); give a scan with at least one.")
    file = Path(image.file_map["image"].filename)
    room = file.stat().st_size
    if is_compressed(file):
        room = room * MAX_RATIO
    needed = image.dataobj.offset + math.prod(shape) * dtype.itemsize
    if needed > room:
        raise Unreadable(
            path,
            f"{path.name} is truncated: its header declares {' x '.join(map(str, shape))} voxels, more than "
            "the file can hold; copy or export it again.",
        )


@contextmanager
def quiet_nibabel() -> Iterator[None]:
    """Silence nibabel and numpy about odd headers: we check what matters ourselves."""
    logger = logging.getLogger("nibabel.global")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
