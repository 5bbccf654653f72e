"""Turn an array into a nibabel image that lies exactly where the source file lay."""

from __future__ import annotations

import numpy as np
from nibabel.freesurfer.mghformat import MGHHeader, MGHImage
from nibabel.nifti1 import Nifti1Extension, Nifti1Header, Nifti1Image
from nibabel.nifti2 import Nifti2Header, Nifti2Image
from nibabel.spatialimages import SpatialImage

from napari_scd.errors import InputError
from napari_scd.volume.orientation import ras_from_spl
from napari_scd.volume.volume import Volume

_GEOMETRY_FIELDS = (
    "xyzt_units", "qform_code", "sform_code", "quatern_b", "quatern_c", "quatern_d",
    "qoffset_x", "qoffset_y", "qoffset_z", "srow_x", "srow_y", "srow_z",
)  # fmt: skip
_NIFTI_TYPES = ("u1", "i2", "u2", "i4", "i8", "u8", "f4", "f8")
_MGH_TYPES = ("u1", "i2", "i4", "f4")
_ALIGNED = 2  # NIFTI_XFORM_ALIGNED_ANAT: mm coordinates of no named origin
_LARGEST_NIFTI1_AXIS = 32767


def encode(
    array: np.ndarray,
    grid: Volume,
    *,
    ending: str,
    extension: Nifti1Extension | None = None,
    intent: str = "none",
) -> SpatialImage:
    """Make the image to save.

    When ``grid`` came from a file and still has that file's geometry, the image takes the file's axis order and,
    in the same format, its affine, sform, qform, codes and units byte for byte. Otherwise the array is stored
    as it is (first axis fastest in the reversed order) under ``grid``'s affine.

    Parameters
    ----------
    array
        (z, y, x) or (c, z, y, x) on ``grid``; channels become the file's fourth axis.
    grid
        The volume whose grid and source are used; its values are not.
    ending
        ".nii", ".nii.gz", ".mgh" or ".mgz".
    extension
        A NIfTI header extension to add; formats without such a thing go without.
    intent
        NIfTI's intent: "label" for label maps.
    """
    source = grid.source
    on_file_grid = (
        source is not None and source.affine is not None and np.array_equal(source.affine, grid.affine)
    )
    if on_file_grid and source is not None:
        turned, header = source.to_disk(array), source.header
        # where index (0, 0, 0) and the three unit steps of the file's axes lie on the grid
        corners = _disk_corners(source.to_disk.inverse().order, source.to_disk.flips, turned.shape[-3:])
        affine = ras_from_spl(grid.affine @ corners)
    else:
        turned, header = array.transpose(*range(array.ndim - 3), -1, -2, -3), None
        affine = ras_from_spl(grid.affine[:, [2, 1, 0, 3]])
    data = np.moveaxis(turned, 0, -1) if turned.ndim == 4 else turned
    if ending in (".mgh", ".mgz"):
        return _mgh(_stored_as(data, _MGH_TYPES), affine, header)
    image = _nifti(_stored_as(data, _NIFTI_TYPES), affine, header)
    image.header.set_intent(intent)
    image.header["descrip"] = b"napari-scd"
    if extension is not None:
        image.header.extensions.append(extension)
    return image


def _disk_corners(order: tuple[int, ...], flips: tuple[bool, ...], disk_shape: tuple[int, ...]) -> np.ndarray:
    """Return the (4, 4) matrix from file indices to indices on the grid as read."""
    matrix = np.zeros((4, 4))
    matrix[3, 3] = 1.0
    for grid_axis, disk_axis in enumerate(order):
        matrix[grid_axis, disk_axis] = -1.0 if flips[disk_axis] else 1.0
        matrix[grid_axis, 3] = disk_shape[disk_axis] - 1.0 if flips[disk_axis] else 0.0
    return matrix


def _nifti(data: np.ndarray, affine: np.ndarray, source: object) -> Nifti1Image:
    second = isinstance(source, Nifti2Header) or max(data.shape) > _LARGEST_NIFTI1_AXIS
    header: Nifti1Header = Nifti2Header() if second else Nifti1Header()
    make = Nifti2Image if second else Nifti1Image
    header.set_data_dtype(data.dtype)
    if isinstance(source, Nifti1Header):
        header["pixdim"][:4] = source["pixdim"][:4]
        for field in _GEOMETRY_FIELDS:
            header[field] = source[field]
        return make(data, None, header, dtype=data.dtype)
    image = make(data, affine, header, dtype=data.dtype)
    image.header.set_xyzt_units("mm")
    image.set_sform(affine, _ALIGNED)
    image.set_qform(affine, _ALIGNED)
    if not np.allclose(image.get_qform(), affine, atol=1e-3):
        image.set_qform(affine, 0)  # quaternions cannot hold a sheared grid
    return image


def _mgh(data: np.ndarray, affine: np.ndarray, source: object) -> MGHImage:
    if not isinstance(source, MGHHeader):
        return MGHImage(data, affine)
    header = source.copy()
    header.set_data_dtype(data.dtype)
    header.set_data_shape(data.shape)
    return MGHImage(data, header.get_affine(), header)


def _stored_as(data: np.ndarray, types: tuple[str, ...]) -> np.ndarray:
    """Return an array in the first of a format's types that holds all its values: its own, if possible."""
    if data.dtype.newbyteorder("=") in [np.dtype(name) for name in types]:
        if data.dtype != np.int64:  # few programs read 64-bit integers: only where nothing smaller will do
            return data
    for name in types:
        wanted = np.dtype(name)
        if wanted.kind == "f" or data.dtype.kind in "biu":
            if _fits(data, wanted):
                return data.astype(wanted)
    raise InputError(f"Values of type {data.dtype} do not fit into this file format; write a .nii.gz file.")


def _fits(data: np.ndarray, wanted: np.dtype) -> bool:  # type: ignore[type-arg]
    if wanted.kind == "f":
        return data.dtype.kind != "f" or wanted.itemsize >= data.dtype.itemsize or wanted == np.float32
    limits = np.iinfo(wanted)
    return int(data.min()) >= limits.min and int(data.max()) <= limits.max
