"""Decode the voxels of DICOM images, whatever they are compressed with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_scd.errors import InputError
from napari_scd.volume.dicom.recognise import library, quiet_pydicom

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from napari_scd.volume.dicom.headers import Image

_WHOLE_TYPES = (np.uint8, np.int16, np.uint16, np.int32)


def read_images_voxels(images: Sequence[Image]) -> np.ndarray:
    """Return the values of images of one size, (image, row, column).

    Returns
    -------
    The smallest of uint8, int16, uint16 and int32 that holds every value that could be stored, where the
    values are whole numbers; else float32. CT comes in Hounsfield units.

    Raises
    ------
    InputError
        When a file is damaged, holds colours, or its compression cannot be decoded.
    """
    coloured = next((image for image in images if image.samples != 1), None)
    if coloured is not None:
        raise InputError(f"{coloured.path.name} holds colours; give a scan with one number per voxel.")
    dtype = _type_of(images)
    array = np.empty((len(images), *images[0].shape), dtype)
    place = {(image.path, image.frame): index for index, image in enumerate(images)}
    for path in dict.fromkeys(image.path for image in images):
        wanted = [image for image in images if image.path == path]
        for image, stored in zip(wanted, decode(path, [image.frame for image in wanted]), strict=True):
            if stored.shape != image.shape:
                raise InputError(f"{path.name} holds images of shape {stored.shape}, not {image.shape}.")
            array[place[path, image.frame]] = _meant(stored, image, dtype)
    return array


def same_pixels(image: Image, other: Image) -> bool:
    """Tell whether two images hold the same stored numbers."""
    (one,), (two,) = decode(image.path, [image.frame]), decode(other.path, [other.frame])
    return np.array_equal(one, two)


def decode(path: Path, frames: Sequence[int]) -> Iterator[np.ndarray]:
    """Yield the stored numbers of some images of a file, each (row, column).

    Raises
    ------
    InputError
        When the file is damaged or its compression cannot be decoded.
    """
    try:
        images = _decoder(path, frames)
        for _ in frames:
            with quiet_pydicom():
                stored = next(images)
            yield stored
    except (InputError, MemoryError):
        raise
    except Exception as error:  # each decoder has its own
        raise _undecodable(path, error) from error


def _decoder(path: Path, frames: Sequence[int]) -> Iterator[np.ndarray]:
    pydicom, pixels = library("pydicom"), library("pydicom.pixels")
    dataset = pydicom.dcmread(path, force=True)
    if "TransferSyntaxUID" not in dataset.file_meta:
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
    yield from pixels.iter_pixels(dataset, raw=True, indices=list(frames))


def _undecodable(path: Path, error: Exception) -> InputError:
    if isinstance(error, OSError):
        return InputError(f"{path.name} cannot be read ({error.strerror or error}); check the file.")
    said = str(error)
    if "missing dependencies" in said or "does not support" in said:
        package = "pylibjpeg-libjpeg" if "does not support" in said else "'napari-scd[dicom]'"
        return InputError(
            f"{path.name} is compressed in a way that no installed decoder knows ({_syntax_of(path)}); run: "
            f"python -m pip install {package}, or export the series uncompressed."
        )
    return InputError(f"{path.name} is truncated or damaged; export it again.")


def _syntax_of(path: Path) -> str:
    try:
        meta = library("pydicom.filereader").read_file_meta_info(path)
        return str(meta.TransferSyntaxUID.name)
    except Exception:  # the sentence is about another error
        return "unknown transfer syntax"


def _type_of(images: Sequence[Image]) -> type[Any]:
    """Return the smallest type for all values the headers allow."""
    lows, highs = [], []
    for image in images:
        if image.slope != 1.0 or not image.intercept.is_integer():
            return np.float32
        low = -(2 ** (image.bits - 1)) if image.signed else 0
        lows.append(low + int(image.intercept))
        highs.append(low + 2**image.bits - 1 + int(image.intercept))
    for dtype in _WHOLE_TYPES:
        if np.iinfo(dtype).min <= min(lows) and max(highs) <= np.iinfo(dtype).max:
            return dtype
    return np.float32


def _meant(stored: np.ndarray, image: Image, dtype: type[Any]) -> np.ndarray:
    if dtype is np.float32:
        return stored * np.float64(image.slope) + np.float64(image.intercept)
    return stored.astype(np.int32) + int(image.intercept) if image.intercept else stored
