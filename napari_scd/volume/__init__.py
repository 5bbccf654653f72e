"""What we segment: volumes, their files, and how they are prepared. numpy and nibabel, no torch."""

from napari_scd.volume.atomic import atomic_path
from napari_scd.volume.files import (
    from_nibabel,
    read_label_names,
    read_label_table,
    read_labels,
    read_volume,
    write_labels,
    write_volume,
)
from napari_scd.volume.geometry import ORIENTATION_UNKNOWN
from napari_scd.volume.intensity import normalise
from napari_scd.volume.labels import Label, LabelTable
from napari_scd.volume.opening import READABLE, WRITABLE
from napari_scd.volume.orientation import Undo, axis_directions, ras_from_spl, reorient, spl_from_ras
from napari_scd.volume.phantom import make_phantom
from napari_scd.volume.recipe import Recipe
from napari_scd.volume.resample import ResampleUndo, resample
from napari_scd.volume.samples import load_icbm152, load_phantom
from napari_scd.volume.volume import Source, Volume

__all__ = [
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
    "from_nibabel",
    "load_icbm152",
    "load_phantom",
    "make_phantom",
    "normalise",
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
