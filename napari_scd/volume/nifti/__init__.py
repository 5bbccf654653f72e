"""NIfTI and MGH files: opened, checked, read and written with their exact geometry."""

from napari_scd.volume.nifti.compression import wrong_name
from napari_scd.volume.nifti.encoding import encode
from napari_scd.volume.nifti.endings import LABELS_WRITABLE, READABLE, WRITABLE, check_ending, stem_of
from napari_scd.volume.nifti.geometry import ORIENTATION_UNKNOWN, read_geometry
from napari_scd.volume.nifti.label_names import names_extension, table_in_header
from napari_scd.volume.nifti.opening import UNREADABLE, damaged, open_image
from napari_scd.volume.nifti.voxels import read_voxels

__all__ = [
    "LABELS_WRITABLE",
    "ORIENTATION_UNKNOWN",
    "READABLE",
    "UNREADABLE",
    "WRITABLE",
    "check_ending",
    "damaged",
    "encode",
    "names_extension",
    "open_image",
    "read_geometry",
    "read_voxels",
    "stem_of",
    "table_in_header",
    "wrong_name",
]
