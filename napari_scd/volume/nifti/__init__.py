"""NIfTI and MGH files: opened, checked, read and written with their exact geometry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_scd.lazy import on_first_use

if TYPE_CHECKING:
    from napari_scd.volume.nifti.compression import wrong_name as wrong_name
    from napari_scd.volume.nifti.encoding import encode as encode
    from napari_scd.volume.nifti.endings import LABELS_WRITABLE as LABELS_WRITABLE
    from napari_scd.volume.nifti.endings import READABLE as READABLE
    from napari_scd.volume.nifti.endings import WRITABLE as WRITABLE
    from napari_scd.volume.nifti.endings import check_ending as check_ending
    from napari_scd.volume.nifti.endings import stem_of as stem_of
    from napari_scd.volume.nifti.geometry import ORIENTATION_UNKNOWN as ORIENTATION_UNKNOWN
    from napari_scd.volume.nifti.geometry import read_geometry as read_geometry
    from napari_scd.volume.nifti.label_names import names_extension as names_extension
    from napari_scd.volume.nifti.label_names import table_in_header as table_in_header
    from napari_scd.volume.nifti.opening import UNREADABLE as UNREADABLE
    from napari_scd.volume.nifti.opening import damaged as damaged
    from napari_scd.volume.nifti.opening import open_image as open_image
    from napari_scd.volume.nifti.voxels import read_voxels as read_voxels

_HOME_OF = {
    "LABELS_WRITABLE": "endings",
    "ORIENTATION_UNKNOWN": "geometry",
    "READABLE": "endings",
    "UNREADABLE": "opening",
    "WRITABLE": "endings",
    "check_ending": "endings",
    "damaged": "opening",
    "encode": "encoding",
    "names_extension": "label_names",
    "open_image": "opening",
    "read_geometry": "geometry",
    "read_voxels": "voxels",
    "stem_of": "endings",
    "table_in_header": "label_names",
    "wrong_name": "compression",
}

__all__ = [*_HOME_OF]
__getattr__ = on_first_use(__name__, _HOME_OF)
