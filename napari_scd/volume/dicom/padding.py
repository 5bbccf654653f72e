"""Voxels outside the field of view: a number that means "no measurement here" becomes air."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from napari_scd.volume.dicom_image import Encoding

_AIR_HU = -1024.0


class Outside:
    """The voxels of a stack that were not measured, found image by image and filled at the end.

    Scanners mark them with a number that no voxel has, such as 63536 or -2000. If the marked number lies
    among the others, it was measured, whatever the header says: such a mark is ignored.

    Parameters
    ----------
    shape
        Images, rows, columns.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._voxels = np.zeros(shape, bool)
        self._measured: list[float] = []
        self._marks: list[int] = []

    @property
    def voxels(self) -> np.ndarray:
        """Truth values (image, row, column): where nothing was measured, as far as found."""
        return self._voxels if self._is_padding else np.zeros_like(self._voxels)

    @property
    def _is_padding(self) -> bool:
        """Whether the marks lie outside the measured values."""
        if not self._measured or not self._voxels.any():
            return False
        return not min(self._measured) < min(self._marks) <= max(self._marks) < max(self._measured)

    def find(self, index: int, stored: np.ndarray, numbers: np.ndarray, encoding: Encoding) -> np.ndarray:
        """Return where an image was not measured.

        Parameters
        ----------
        index
            Of the image in the stack.
        stored, numbers
            (row, column): what the file holds, and what the bits that count say.
        encoding
            Of the image, whose header names the marks.
        """
        found = np.zeros(stored.shape, bool)
        if encoding.padding:
            first, last = encoding.padding
            found = (stored >= first) & (stored <= last)
            self._marks += [first, last]
        self._voxels[index] = found
        inside = numbers[~found]
        if inside.size:
            self._measured += [float(inside.min()), float(inside.max())]
        return found

    def fill(self, array: np.ndarray, *, is_ct: bool) -> list[str]:
        """Put air where nothing was measured, in place: -1024 HU in CT, no signal elsewhere.

        Returns
        -------
        Sentences for the user.
        """
        if not self._measured or not self._voxels.any():
            return []
        if not self._is_padding:
            first, last = min(self._marks), max(self._marks)
            marks = str(first) if first == last else f"{first} to {last}"
            return [
                f"The header marks {marks} as padding, but other values lie below and above; it was left as "
                "it is."
            ]
        air = _AIR_HU if is_ct else min(0.0, float(array[~self._voxels].min()))
        if array.dtype.kind != "f":
            air = max(air, float(np.iinfo(array.dtype).min))
        array[self._voxels] = air
        return []
