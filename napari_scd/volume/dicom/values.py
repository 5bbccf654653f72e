"""What the stored numbers of DICOM images mean: bits, signs, scale, padding, inversion."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from napari_scd.errors import InputError, Unreadable
from napari_scd.volume.dicom.decoding import decode, has_overlay_in_pixels
from napari_scd.volume.dicom.padding import Outside
from napari_scd.volume.dicom.scale import complete_scale
from napari_scd.volume.left_out import names_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_scd.volume.dicom_image import Encoding, Image

_INVERTED = "Low numbers mean bright in {where} (MONOCHROME1); its values were inverted."
_SHOWN_INVERTED = (  # Hounsfield units are measurements, however they are to be shown
    "MONOCHROME1 asks to show {where} inverted; its values were left as they are."
)
_MOST_SHRUNK = 20_000  # pixels that a byte of a blank, compressed image can stand for
_WHOLE_TYPES = (np.uint8, np.int16, np.uint16, np.int32)


class Values(NamedTuple):
    """Voxel values and what the user should know about them.

    Parameters
    ----------
    array
        (image, row, column): the smallest of uint8, int16, uint16 and int32 that holds every value that could
        be stored, where the values are whole numbers; else float32. CT comes in Hounsfield units.
    warnings
        Sentences for the user.
    """

    array: np.ndarray
    warnings: tuple[str, ...]


def read_values(images: Sequence[Image]) -> Values:
    """Read the values of images of one size.

    Raises
    ------
    InputError
        When a file is damaged, holds mosaics or a table of values, or its compression cannot be decoded.
    """
    _check_no_mosaic(images)
    _check_room(images)
    images, warnings_of_scale = complete_scale(images)
    dtype = _type_of(images)
    array = np.empty((len(images), *images[0].shape), dtype)
    outside = Outside(array.shape) if any(image.encoding.padding for image in images) else None
    place = {(image.path, image.frame): index for index, image in enumerate(images)}
    too_long = False
    for path in dict.fromkeys(image.path for image in images):
        wanted = [image for image in images if image.path == path]
        for image, stored in zip(wanted, decode(path, [image.frame for image in wanted]), strict=True):
            if stored.shape != image.shape:
                raise InputError(f"{path.name} holds images of shape {stored.shape}, not {image.shape}.")
            index = place[path, image.frame]
            numbers, ignored = used_bits(stored, image.encoding)
            if outside is not None:
                ignored &= ~outside.find(index, stored, numbers, image.encoding)
            too_long = too_long or bool(ignored.any() and not has_overlay_in_pixels(path))
            array[index] = _scaled(numbers, image.encoding, dtype)
    warnings = [*warnings_of_scale]
    if too_long:
        warnings.append(
            f"Some numbers take more than the {images[0].encoding.bits} bits that the header declares; the "
            "other bits were ignored."
        )
    is_ct = images[0].series.modality == "CT"
    inverted = np.array([image.encoding.inverted for image in images])
    if inverted.any():
        warnings.append(_on_inversion(images, inverted, is_ct=is_ct))
        if not is_ct:
            measured = np.ones(array.shape, bool) if outside is None else ~outside.voxels
            _turn_over(array, measured, inverted)
    if outside is not None:
        warnings += outside.fill(array, is_ct=is_ct)
    return Values(array, tuple(warnings))


def used_bits(stored: np.ndarray, encoding: Encoding) -> tuple[np.ndarray, np.ndarray]:
    """Return numbers made of the bits that count, and where the other bits held something.

    Examples
    --------
    >>> from napari_scd.volume.dicom_image import Encoding
    >>> numbers, ignored = used_bits(np.array([0x2007, 0x0FFF], np.uint16), Encoding(12, 11, signed=False))
    >>> numbers.tolist(), ignored.tolist()
    ([7, 4095], [True, False])
    >>> used_bits(np.array([0x0FFF], np.int16), Encoding(12, 11, signed=True))[0].tolist()
    [-1]
    """
    whole = 8 * stored.dtype.itemsize
    if stored.dtype.kind not in "iu" or not 0 < encoding.bits < whole <= 32:
        return stored, np.zeros(stored.shape, bool)
    raw = stored.astype(np.int64) & (2**whole - 1)
    low = encoding.high_bit + 1 - encoding.bits
    if 0 < low <= whole - encoding.bits and not (raw & (2**low - 1)).any():
        raw >>= low  # numbers that are kept in the upper bits
    numbers = raw & (2**encoding.bits - 1)
    beyond = raw >> encoding.bits
    if encoding.signed:
        negative = numbers >= 2 ** (encoding.bits - 1)
        numbers = numbers - (negative << np.int64(encoding.bits))
        extension = beyond == (2 ** (whole - encoding.bits) - 1)
        return numbers, (beyond != 0) & ~(extension & negative)
    return numbers, beyond != 0


def _check_no_mosaic(images: Sequence[Image]) -> None:
    for image in images:
        if image.tiles > 1:
            raise InputError(
                f"{image.path.name} is a mosaic: it shows several slices side by side in one picture; "
                "convert the series to NIfTI first, with dcm2niix for instance."
            )


def _check_room(images: Sequence[Image]) -> None:
    """Hold the declared sizes against those of the files, before memory is asked for."""
    for path in {image.path for image in images}:
        declared = sum(math.prod(image.shape) for image in images if image.path == path)
        if declared > _MOST_SHRUNK * path.stat().st_size:
            raise Unreadable(path, f"{path.name} is truncated: it declares more pixels than it can hold.")


def _type_of(images: Sequence[Image]) -> type[Any]:
    """Return the smallest type for all values the headers allow."""
    lows, highs = [], []
    for encoding in {image.encoding for image in images}:
        if encoding.slope != 1.0 or not encoding.intercept.is_integer() or encoding.bits == 0:
            return np.float32
        low = -(2 ** (encoding.bits - 1)) if encoding.signed else 0
        lows.append(low + int(encoding.intercept))
        highs.append(low + 2**encoding.bits - 1 + int(encoding.intercept))
    for dtype in _WHOLE_TYPES:
        if np.iinfo(dtype).min <= min(lows) and max(highs) <= np.iinfo(dtype).max:
            return dtype
    return np.float32


def _scaled(numbers: np.ndarray, encoding: Encoding, dtype: type[Any]) -> np.ndarray:
    if dtype is np.float32:
        return numbers * np.float64(encoding.slope) + np.float64(encoding.intercept)
    return numbers.astype(np.int64) + int(encoding.intercept) if encoding.intercept else numbers


def _on_inversion(images: Sequence[Image], inverted: np.ndarray, *, is_ct: bool) -> str:
    where = "this series"
    if not inverted.all():
        names = [image.path.name for image, is_inverted in zip(images, inverted, strict=True) if is_inverted]
        where = f"part of this series, {names_of(names)},"
    return (_SHOWN_INVERTED if is_ct else _INVERTED).format(where=where)


def _turn_over(array: np.ndarray, measured: np.ndarray, inverted: np.ndarray) -> None:
    """Make high values low and low ones high where something was measured, in images to invert, in place."""
    values = array[measured]
    if values.size:
        ends = (
            values.min() + values.max() if array.dtype.kind == "f" else int(values.min()) + int(values.max())
        )
        measured = measured & inverted[:, None, None]
        array[measured] = ends - array[measured].astype(np.float64 if array.dtype.kind == "f" else np.int64)
