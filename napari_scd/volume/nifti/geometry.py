"""Where a file says its voxels lie: the affine, and doubts about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from nibabel.freesurfer.mghformat import MGHImage
from nibabel.nifti1 import Nifti1Header

from napari_scd.errors import InputError
from napari_scd.volume.nifti.opening import quiet_nibabel
from napari_scd.volume.orientation import spl_from_ras
from napari_scd.volume.volume import checked_affine, corner_shift_mm

if TYPE_CHECKING:
    from nibabel.spatialimages import SpatialHeader, SpatialImage

ORIENTATION_UNKNOWN = "Orientation unknown: left and right, front and back, or head and feet may be swapped."
"""The warning of a volume whose file does not say how it lies in the patient."""

_SPACE_BITS = 7  # the part of xyzt_units that holds the unit of length
_UNITS = {1: ("metres", 1000.0), 3: ("microns", 0.001)}
_MGH_GOOD_RAS_AT = 28  # byte offset of goodRASFlag in the MGH header


class Geometry(NamedTuple):
    """Where a file's voxels lie.

    Parameters
    ----------
    affine
        (4, 4) float64, voxel index in the file's axis order to (S, P, L) mm.
    header
        The file's own, without a form that cannot be used.
    oriented
        Whether the file says how the voxels lie in the patient.
    warnings
        Sentences for the user.
    """

    affine: np.ndarray
    header: SpatialHeader
    oriented: bool
    warnings: tuple[str, ...]


def read_geometry(image: SpatialImage) -> Geometry:
    """Find the affine of an image: the sform where it is coded and can be used, else the qform, in mm.

    Raises
    ------
    InputError
        When the voxel size is zero or no number, or the axes lie in one plane.
    """
    _check_spacing(image)
    header, ras_affine, warnings = _usable_form(image)
    affine, oriented = spl_from_ras(checked_affine(ras_affine)), True
    if isinstance(header, Nifti1Header):
        unit, mm_per_unit = _UNITS.get(int(header["xyzt_units"]) & _SPACE_BITS, ("mm", 1.0))
        if mm_per_unit != 1.0:
            affine[:3] *= mm_per_unit
            warnings.append(f"The file gives its lengths in {unit}; they were converted to mm.")
        if header["qform_code"] == 0 and header["sform_code"] == 0:
            oriented = False
        elif _forms_disagree(header):
            warnings.append("The file's sform and qform place the image differently; the sform is used.")
    elif not (isinstance(image, MGHImage) and _mgh_says_orientation(image)):
        oriented = False
    if not oriented:
        warnings.append(ORIENTATION_UNKNOWN)
    return Geometry(checked_affine(affine), header, oriented, tuple(warnings))


def _usable_form(image: SpatialImage) -> tuple[SpatialHeader, np.ndarray, list[str]]:
    """Return header and affine, to (R, A, S), without an sform that gives no place in space.

    Some programs set the sform's code and never fill it in; the qform counts then.
    """
    header = image.header
    if not isinstance(header, Nifti1Header) or header["sform_code"] == 0:
        return header, image.affine, []
    with quiet_nibabel():  # of signalling NaNs
        sform = np.asarray(header.get_sform())
    if _is_usable(sform):
        return header, image.affine, []
    qform = _qform(header)
    if header["qform_code"] != 0 and qform is not None and _is_usable(qform):
        without = header.copy()
        without["sform_code"] = 0
        return without, qform, ["The file's sform holds no place in space; the qform is used."]
    if not sform[:3].any():
        raise InputError(
            "The header says that it has an sform, but that is all zero, and there is no qform beside it; "
            "give the file one of the two."
        )
    return header, image.affine, []


def _is_usable(affine: np.ndarray) -> bool:
    try:
        return checked_affine(affine) is not None
    except InputError:
        return False


def _qform(header: Nifti1Header) -> np.ndarray | None:
    """Return the qform, None where its numbers do not describe a rotation."""
    try:
        return np.asarray(header.get_qform())
    except (ValueError, ArithmeticError):
        return None


def _check_spacing(image: SpatialImage) -> None:
    """Check the voxel size as stored: nibabel silently replaces a zero by 1 mm."""
    header = image.header
    holder = image.file_map.get("header", image.file_map["image"])
    if "pixdim" not in header.keys() or holder.filename is None:  # noqa: SIM118 (no mapping)
        return
    with quiet_nibabel(), holder.get_prepare_fileobj("rb") as file:
        stored = type(header).from_fileobj(file, check=False)
    with np.errstate(invalid="ignore"):  # signalling NaNs
        spacing = np.abs(np.asarray(stored["pixdim"][1:4], dtype=np.float64))
    if not (np.isfinite(spacing).all() and (spacing > 0).all()):
        raise InputError(
            f"The voxel size in the header is {' x '.join(f'{mm:g}' for mm in spacing)} mm; "
            "give every axis a size above zero."
        )


def _forms_disagree(header: Nifti1Header) -> bool:
    """Whether both forms are coded and place some corner more than a tenth of a voxel apart."""
    if header["qform_code"] == 0 or header["sform_code"] == 0:
        return False
    qform = _qform(header)
    if qform is None:
        return True
    sform = header.get_sform()
    tolerance_mm = 0.1 * float(np.linalg.norm(sform[:3, :3], axis=0).min())
    return not corner_shift_mm(sform, qform, header.get_data_shape()[:3]) <= tolerance_mm


def _mgh_says_orientation(image: MGHImage) -> bool:
    """Whether an MGH file's goodRASFlag is set; nibabel sets it in its own copy of the header."""
    holder = image.file_map["image"]
    if holder.filename is None:
        return True
    with holder.get_prepare_fileobj("rb") as file:
        start = file.read(_MGH_GOOD_RAS_AT + 2)
    return any(start[_MGH_GOOD_RAS_AT:])
