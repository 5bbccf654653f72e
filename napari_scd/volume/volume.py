"""A volume: voxel values and where they lie in the patient."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_scd.errors import InputError
from napari_scd.volume.orientation import Undo, ras_from_spl

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from nibabel.spatialimages import SpatialHeader

    from napari_scd.volume.dicom_image import Image
    from napari_scd.volume.left_out import LeftOut

_LARGEST_MM = 1e9


@dataclass(frozen=True, eq=False)
class Source:
    """Where a volume came from, so that results can be written exactly as the source was.

    Parameters
    ----------
    name
        Short name for messages and reports, usually the file's name.
    path
        The file, where there is one.
    header
        The file's own header, as nibabel read it.
    affine
        (4, 4), the affine the volume had when it was read.
    shape
        The grid's three lengths at that time, in the same axis order.
    to_disk
        Turns arrays on the volume's grid into the file's axis order.
    images
        The slices of a DICOM series in the order ``to_disk`` brings them to; empty for other files.
    modality
        What a DICOM header says the scan is: "CT", "MR", "PT"; empty for other files.
    oriented
        Whether the file says how the scan lies in the patient; where it does not, left and right are a guess.
    left_out
        What was given with the scan but is not used.
    """

    name: str
    path: Path | None = None
    header: SpatialHeader | None = None
    affine: np.ndarray | None = None
    shape: tuple[int, ...] | None = None
    to_disk: Undo = Undo()
    images: tuple[Image, ...] = ()
    modality: str = ""
    oriented: bool = True
    left_out: tuple[LeftOut, ...] = ()

    def holds_for(self, volume: Volume) -> bool:
        """Whether a volume still lies on the file's grid: one that was cropped or resampled does not."""
        return (
            self.affine is not None
            and self.shape == volume.spatial_shape
            and np.array_equal(self.affine, volume.affine)
        )


@dataclass(frozen=True, eq=False)
class Volume:
    """Voxel values on a grid, and where that grid lies.

    Parameters
    ----------
    array
        (z, y, x), or (c, z, y, x) with the channels first. Any axis order and flip is legal: the affine tells
        which. Files are read so that z grows towards Superior, y towards Posterior and x towards Left.
        A ``numpy.memmap`` or a dask array stays what it is: the engine reads it piece by piece.
    affine
        (4, 4) float64, from the voxel index (i0, i1, i2, 1), in the order of the array's axes, to
        (S, P, L, 1) mm. Voxel centres lie at whole indices.
    source
        Where the volume came from, so that writing is exact.
    warnings
        Sentences the user should see, for instance about a doubtful orientation.

    Raises
    ------
    InputError
        When the array is not a non-empty 3D array of real numbers (with or without channels), or the affine
        gives no place in space.
    """

    array: np.ndarray
    affine: np.ndarray
    source: Source | None = None
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check array and affine."""
        array = self.array if _lies_elsewhere(self.array) else np.asarray(self.array)
        _check_array(array)
        object.__setattr__(self, "array", array)
        object.__setattr__(self, "affine", checked_affine(self.affine))
        object.__setattr__(self, "warnings", tuple(self.warnings))

    @property
    def lies_elsewhere(self) -> bool:
        """Whether the voxels are on disk or still to be computed, and so better read piece by piece."""
        return _lies_elsewhere(self.array)

    @property
    def spatial_shape(self) -> tuple[int, int, int]:
        """The grid's lengths in voxels, without channels."""
        z, y, x = self.array.shape[-3:]
        return z, y, x

    @property
    def n_channels(self) -> int:
        """The number of channels, 1 for an array without a channel axis."""
        return 1 if self.array.ndim == 3 else self.array.shape[0]

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """The distance between neighbouring voxel centres along each array axis."""
        z, y, x = np.linalg.norm(self.affine[:3, :3], axis=0).tolist()
        return z, y, x

    @property
    def voxel_ml(self) -> float:
        """The volume of one voxel in millilitres."""
        return float(abs(np.linalg.det(self.affine[:3, :3]))) / 1000.0

    def index_of(self, ras_mm: Sequence[float]) -> np.ndarray:
        """Return the voxel index (3,), with fractions, of a point given in (R, A, S) mm."""
        return np.linalg.solve(ras_from_spl(self.affine), [*ras_mm, 1.0])[:3]

    def ras_mm_of(self, index: Sequence[float]) -> np.ndarray:
        """Return the place (R, A, S) in mm of a voxel index (3,), which may have fractions."""
        return (ras_from_spl(self.affine) @ [*index, 1.0])[:3]

    def with_array(self, array: np.ndarray) -> Volume:
        """Return a volume with other values on the same grid.

        Raises
        ------
        InputError
            When the array has another spatial shape.
        """
        if array.shape[-3:] != self.spatial_shape:
            raise InputError(
                f"An array of shape {array.shape} does not lie on a grid of {times(self.spatial_shape)} "
                "voxels; give one value per voxel."
            )
        return replace(self, array=array)

    def same_grid(self, other: Volume, tolerance_vox: float = 0.01) -> bool:
        """Tell whether another volume's voxels lie where this one's do, to a fraction of a voxel."""
        if self.spatial_shape != other.spatial_shape:
            return False
        return corner_shift_mm(self.affine, other.affine, self.spatial_shape) <= tolerance_vox * min(
            self.spacing_mm
        )


def corner_shift_mm(affine: np.ndarray, other: np.ndarray, shape: tuple[int, ...]) -> float:
    """Return how far apart two affines place a grid's corners, at most, in mm."""
    corners = np.array([[*corner, 1.0] for corner in np.ndindex(2, 2, 2)])
    corners[:, :3] *= np.asarray(shape[-3:]) - 1.0
    with np.errstate(over="ignore", invalid="ignore"):  # a qform can contain anything
        return float(np.linalg.norm(((affine - other) @ corners.T)[:3], axis=0).max())


def checked_affine(affine: np.ndarray) -> np.ndarray:
    """Return a read-only (4, 4) float64 copy of an affine; InputError when it gives no place in space."""
    matrix = np.array(affine, dtype=np.float64)
    if matrix.shape != (4, 4):
        raise InputError(
            f"The affine has the shape {matrix.shape}; give a 4 x 4 matrix from voxel index to mm."
        )
    if not (np.abs(matrix) < _LARGEST_MM).all():
        raise InputError(
            "The image's affine holds NaN, infinite or impossibly large numbers; give a valid voxel size and "
            "position."
        )
    spacing = np.linalg.norm(matrix[:3, :3], axis=0)
    if not (spacing > 0).all():
        sizes = " x ".join(f"{mm:g}" for mm in spacing)
        raise InputError(f"The voxel size is {sizes} mm; give every axis a size above zero.")
    if abs(np.linalg.det(matrix[:3, :3] / spacing)) < 1e-4:
        raise InputError(
            "The image's affine is singular (its axes lie in one plane); give it three different axes."
        )
    matrix.setflags(write=False)
    return matrix


def _lies_elsewhere(array: object) -> bool:
    if isinstance(array, np.ndarray):
        return isinstance(array, np.memmap)
    return all(hasattr(array, name) for name in ("dtype", "shape", "ndim", "transpose", "compute"))  # dask


def _check_array(array: np.ndarray) -> None:
    if array.dtype.kind not in "buif":
        raise InputError(
            f"The voxels are of type {array.dtype}; give real numbers (no colours, no complex numbers)."
        )
    if array.ndim not in (3, 4):
        raise InputError(
            f"The array has the shape {array.shape}; give a 3D volume (z, y, x), or channels of it."
        )
    if array.size == 0:
        raise InputError(f"The image is empty (shape {array.shape}); give one with at least one voxel.")


def times(shape: tuple[int, ...]) -> str:
    """Return a shape as users read it, such as "64 x 64 x 32"."""
    return " x ".join(str(length) for length in shape)
