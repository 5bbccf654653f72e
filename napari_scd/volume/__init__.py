"""What we segment: volumes, their files, and how they are prepared. numpy, nibabel and pydicom, no torch."""

from napari_scd.volume.atomic import atomic_path
from napari_scd.volume.dicom import find_series, is_dicom, is_dicom_file, is_segmentation
from napari_scd.volume.files import (
    from_nibabel,
    read_label_names,
    read_label_table,
    read_labels,
    read_volume,
    write_labels,
    write_volume,
)
from napari_scd.volume.intensity import normalise
from napari_scd.volume.labels import Label, LabelTable
from napari_scd.volume.nifti.geometry import ORIENTATION_UNKNOWN
from napari_scd.volume.nifti.opening import LABELS_WRITABLE, READABLE, WRITABLE
from napari_scd.volume.orientation import Undo, axis_directions, ras_from_spl, reorient, spl_from_ras
from napari_scd.volume.phantom import make_phantom
from napari_scd.volume.placing import paste
from napari_scd.volume.recipe import Recipe
from napari_scd.volume.resample import ResampleUndo, axis_weights, resample
from napari_scd.volume.samples import load_icbm152, load_phantom
from napari_scd.volume.volume import Source, Volume

__all__ = [
    "LABELS_WRITABLE",
    "ORIENTATION_UNKNOWN",
    "READABLE",
    "WRITABLE",
    "Label",
    "LabelTable",
    "Recipe",
    "ResampleUndo",
    "Source",
    "Undo",
    "Volume",
    "atomic_path",
    "axis_directions",
    "axis_weights",
    "find_series",
    "from_nibabel",
    "is_dicom",
    "is_dicom_file",
    "is_segmentation",
    "load_icbm152",
    "load_phantom",
    "make_phantom",
    "normalise",
    "paste",
    "ras_from_spl",
    "read_label_names",
    "read_label_table",
    "read_labels",
    "read_volume",
    "reorient",
    "resample",
    "spl_from_ras",
    "write_labels",
    "write_volume",
]
