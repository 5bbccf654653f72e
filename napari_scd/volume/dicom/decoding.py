"""Decode the stored numbers of DICOM images, whatever they are compressed with."""

from __future__ import annotations

import filecmp
from typing import TYPE_CHECKING

import numpy as np

from napari_scd.errors import InputError, Unreadable
from napari_scd.volume.dicom.recognise import library, quiet_pydicom

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import Any

    from napari_scd.volume.dicom_image import Image

_OVERLAY_BIT_POSITION = 0x0102
_OVERLAY_GROUPS = range(0x6000, 0x6020, 2)


def same_pixels(image: Image, other: Image) -> bool:
    """Tell whether two images hold the same stored numbers."""
    if image.frame == other.frame and filecmp.cmp(image.path, other.path, shallow=False):
        return True
    (one,), (two,) = decode(image.path, [image.frame]), decode(other.path, [other.frame])
    return np.array_equal(one, two)


def decode(path: Path, frames: Sequence[int]) -> Iterator[np.ndarray]:
    """Yield the stored numbers of some images of a file, each (row, column), with all of their bits.

    Raises
    ------
    Unreadable
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
    except Exception as error:  # each decoder raises errors of its own
        raise _undecodable(path, error) from error


def has_overlay_in_pixels(path: Path) -> bool:
    """Tell whether a file says that unused bits of its pixels hold a drawing."""
    tags = [group << 16 | _OVERLAY_BIT_POSITION for group in _OVERLAY_GROUPS]
    with quiet_pydicom():
        header = library("pydicom").dcmread(path, stop_before_pixels=True, specific_tags=tags, force=True)
    return any(tag in header and header[tag].value for tag in tags)


def _decoder(path: Path, frames: Sequence[int]) -> Iterator[np.ndarray]:
    pydicom, pixels = library("pydicom"), library("pydicom.pixels")
    try:
        dataset = pydicom.dcmread(path, force=True)
    except MemoryError as error:  # of a length that the file declares and does not have
        raise Unreadable(path, f"{path.name} is truncated or damaged; export it again.") from error
    _fill_in_pixel_format(dataset)
    if "TransferSyntaxUID" not in dataset.file_meta:
        dataset.file_meta.TransferSyntaxUID = _likely_syntax(dataset)
    yield from pixels.iter_pixels(dataset, raw=True, indices=list(frames), correct_unused_bits=False)


def _fill_in_pixel_format(dataset: Any) -> None:
    """Put in what decoders ask for and a header may lack, where the rest says what it must be."""
    usual = {"SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2", "PixelRepresentation": 0}
    if "PixelData" in dataset:
        for name, value in usual.items():
            if dataset.get(name) in (None, ""):
                setattr(dataset, name, value)
        if not dataset.get("BitsStored"):
            dataset.BitsStored = dataset.get("BitsAllocated")
        if dataset.get("HighBit") is None and dataset.BitsStored:
            dataset.HighBit = dataset.BitsStored - 1


def _likely_syntax(dataset: Any) -> Any:
    """Return how a data set without file header is written: pydicom has found out while reading it."""
    uid = library("pydicom.uid")
    implicit, little = dataset.original_encoding
    if implicit:
        return uid.ImplicitVRLittleEndian
    return uid.ExplicitVRLittleEndian if little else uid.ExplicitVRBigEndian


def _undecodable(path: Path, error: Exception) -> InputError:
    if isinstance(error, OSError):
        return Unreadable(path, f"{path.name} cannot be read ({error.strerror or error}); check the file.")
    said = str(error)
    if "missing dependencies" in said or "does not support" in said:
        package = "pylibjpeg-libjpeg" if "does not support" in said else "'napari-scd[dicom]'"
        return Unreadable(
            path,
            f"{path.name} is compressed in a way that no installed decoder knows ({_syntax_of(path)}); run: "
            f"python -m pip install {package}, or export the series uncompressed.",
        )
    if isinstance(error, AttributeError) and "Pixel Data" in said:
        return Unreadable(path, f"{path.name} holds no pixels that can be read; export it again.")
    return Unreadable(path, f"{path.name} is truncated or damaged; export it again.")


def _syntax_of(path: Path) -> str:
    try:
        meta = library("pydicom.filereader").read_file_meta_info(path)
        return str(meta.TransferSyntaxUID.name)
    except Exception:  # that sentence describes a different error
        return "unknown transfer syntax"
