"""Turn an array into a nibabel image that lies exactly where the source file lay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from nibabel.freesurfer.mghformat import MGHHeader, MGHImage
from nibabel.nifti1 import Nifti1Extension, Nifti1Header, Nifti1Image
from nibabel.nifti2 import Nifti2Header, Nifti2Image

from napari_scd.errors import InputError
from napari_scd.volume.orientation import Undo, ras_from_spl

if TYPE_CHECKING:
    from nibabel.spatialimages import SpatialImage

    from napari_scd.volume.volume import Volume

_GEOMETRY_FIELDS = (
    "xyzt_units", "qform_code", "sform_code", "quatern_b", "quatern_c", "quatern_d",
    "qoffset_x", "qoffset_y", "qoffset_z", "srow_x", "srow_y", "srow_z",
)  # fmt: skip
_NIFTI_TYPES = ("u1", "i1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8")
_MGH_TYPES = ("u1", "i2", "i4", "f4")
_ALIGNED = 2  # NIFTI_XFORM_ALIGNED_ANAT: mm coordinates of no named origin
_XYZ = Undo((2, 1, 0))  # from (z, y, x) to the usual order in files
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

    When ``grid`` came from a file and still has that file's geometry, the image takes the file's axis order
    and, in the same format, its affine, sform, qform, codes and units byte for byte. Otherwise the image has
    the axes (x, y, z) under ``grid``'s affine.

    Parameters
    ----------
    array
        (z, y, x) or (c, z, y, x) on ``grid``; channels become the file's fourth axis.
    grid
        The volume whose grid and source are used; its values are not.
    ending
        ".nii", ".nii.gz", ".mgh" or ".mgz".
    extension
        A NIfTI header extension to add; ignored by formats that have none.
    intent
        NIfTI's intent: "label" for label maps.
    """
    turn, header = _way_to_disk(grid)
    turned = turn(array)
    affine = ras_from_spl(grid.affine @ turn.matrix(grid.spatial_shape))
    data = np.moveaxis(turned, 0, -1) if turned.ndim == 4 else turned
    if ending in (".mgh", ".mgz"):
        return _mgh(_stored_as(data, _MGH_TYPES), affine, header)
    image = _nifti(_stored_as(data, _NIFTI_TYPES), affine, header)
    image.header.set_intent(intent)
    image.header["descrip"] = b"napari-scd"
    if extension is not None:
        image.header.extensions.append(extension)
    return image


def _way_to_disk(grid: Volume) -> tuple[Undo, object]:
    """Return the turn into the file's axis order and the file's header, None when there is no such file."""
    source = grid.source
    if source is not None and source.header is not None and source.holds_for(grid):
        return source.to_disk, source.header
    return _XYZ, None


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
    header["delta"] = source["delta"]  # set_data_shape has made it 1
    return MGHImage(data, header.get_affine(), header)


def _stored_as(data: np.ndarray, types: tuple[str, ...]) -> np.ndarray:
    """Return an array in its own type if the format has it, else in the first that holds all its values."""
    known = [np.dtype(name) for name in types]
    # few programs read 64-bit integers: only where nothing smaller will do
    if data.dtype.newbyteorder("=") in known and data.dtype not in (np.int64, np.uint64):
        return data
    if data.dtype.kind == "f":
        return data.astype(np.float32)
    low, high = int(data.min()), int(data.max())
    for wanted in known:
        if wanted.kind in "iu" and np.iinfo(wanted).min <= low and high <= np.iinfo(wanted).max:
            return data.astype(wanted)
    raise InputError(f"Values from {low} to {high} do not fit into this file format; write a .nii.gz file.")
