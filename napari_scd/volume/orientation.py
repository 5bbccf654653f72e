"""Axis order and flips, and back: the only file that turns axes and speaks RAS with nibabel.

Files and most tools say where a voxel lies in millimetres towards Right, Anterior, Superior.
This package speaks (S, P, L): the first coordinate grows towards Superior, the second towards Posterior, the
third towards the patient's Left.
A (z, y, x) array in that order, shown row by row, is the axial slice a radiologist expects: anterior up, the
patient's right on the left of the screen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from nibabel import orientations

from napari_scd.errors import InputError

AXES = "SPL"
"""The axis directions of arrays read by this package."""

_SPL_FROM_RAS = np.array([[0, 0, 1, 0], [0, -1, 0, 0], [-1, 0, 0, 0], [0, 0, 0, 1]], dtype=np.float64)


@dataclass(frozen=True)
class Undo:
    """Turns an array back into the axis order it had before a reorientation.

    Calling it moves voxels and computes nothing, so values, dtype and the number of voxels never change.

    Parameters
    ----------
    order
        For each axis of the result, the array axis it comes from.
    flips
        For each axis of the result, whether it runs the other way.

    Examples
    --------
    >>> undo = Undo(order=(2, 0, 1), flips=(True, False, False))
    >>> array = np.arange(24).reshape(2, 3, 4)
    >>> undo(array).shape, int(undo(array)[0, 0, 0]), int(array[0, 0, 3])
    ((4, 2, 3), 3, 3)
    >>> np.array_equal(undo.inverse()(undo(array)), array)
    True
    """

    order: tuple[int, int, int] = (0, 1, 2)
    flips: tuple[bool, bool, bool] = (False, False, False)

    def __call__(self, array: np.ndarray) -> np.ndarray:
        """Return a view of ``array``, (z, y, x) or (c, z, y, x), in the former axis order."""
        lead = array.ndim - 3
        turned = array.transpose(*range(lead), *(lead + axis for axis in self.order))
        steps = [slice(None)] * lead + [slice(None, None, -1 if flip else 1) for flip in self.flips]
        result: np.ndarray = turned[tuple(steps)]
        return result

    def matrix(self, shape: tuple[int, ...]) -> np.ndarray:
        """Return the (4, 4) matrix from indices on the result back to indices on the array, of this shape."""
        matrix = np.zeros((4, 4))
        matrix[3, 3] = 1.0
        for axis, (origin, flip) in enumerate(zip(self.order, self.flips, strict=True)):
            matrix[origin, axis] = -1.0 if flip else 1.0
            matrix[origin, 3] = shape[origin] - 1.0 if flip else 0.0
        return matrix

    def inverse(self) -> Undo:
        """Return the turn that takes an array from the former axis order into the present one."""
        order = tuple(self.order.index(axis) for axis in range(3))
        return Undo(order, tuple(self.flips[axis] for axis in order))  # type: ignore[arg-type]

    def then(self, other: Undo) -> Undo:
        """Return the one turn that does this one first and ``other`` after it."""
        order = tuple(self.order[axis] for axis in other.order)
        flips = tuple(flip != self.flips[axis] for axis, flip in zip(other.order, other.flips, strict=True))
        return Undo(order, flips)  # type: ignore[arg-type]


def turn_to(axes: str, affine: np.ndarray) -> Undo:
    """Find the turn that brings arrays under an affine to (S, P, L) mm into given directions."""
    wanted = orientations.axcodes2ornt(checked_axes(axes))
    ornt = orientations.ornt_transform(orientations.io_orientation(ras_from_spl(affine)), wanted)
    order = tuple(int(axis) for axis in np.argsort(ornt[:, 0]))
    return Undo(order, tuple(bool(ornt[axis, 1] < 0) for axis in order))  # type: ignore[arg-type]


def axis_directions(affine: np.ndarray) -> str:
    """Return the direction nearest to each array axis, such as "SPL", for an affine to (S, P, L) mm."""
    return "".join(orientations.aff2axcodes(ras_from_spl(affine)))


def spl_from_ras(affine: np.ndarray) -> np.ndarray:
    """Turn a (4, 4) affine from voxel index to (R, A, S) mm into one to (S, P, L) mm, exactly.

    Only the millimetre side changes; the order of the voxel indices stays.
    """
    return np.asarray(_SPL_FROM_RAS @ affine + 0.0)  # the sum turns -0.0 into 0.0


def ras_from_spl(affine: np.ndarray) -> np.ndarray:
    """Turn a (4, 4) affine from voxel index to (S, P, L) mm into one to (R, A, S) mm, exactly."""
    return np.asarray(_SPL_FROM_RAS.T @ affine + 0.0)


def spl_from_lps(affine: np.ndarray) -> np.ndarray:
    """Turn a (4, 4) affine from voxel index to (L, P, S) mm, as DICOM has it, into one to (S, P, L) mm."""
    return np.asarray(affine[[2, 1, 0, 3]] + 0.0)


def lps_from_spl(affine: np.ndarray) -> np.ndarray:
    """Turn a (4, 4) affine from voxel index to (S, P, L) mm into one to (L, P, S) mm."""
    return np.asarray(affine[[2, 1, 0, 3]] + 0.0)


def checked_axes(axes: str) -> str:
    """Return ``axes`` in capitals, or raise InputError when it does not name three different axes."""
    letters = axes.upper()
    if sorted("S" if c in "SI" else "P" if c in "PA" else "L" if c in "LR" else c for c in letters) != list(
        "LPS"
    ):
        raise InputError(
            f"The axes {axes!r} do not name three directions: give one letter out of each of the pairs S/I, "
            'P/A and L/R, such as "SPL".'
        )
    return letters
