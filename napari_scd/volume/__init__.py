"""What we segment: volumes, their files, and how they are prepared. numpy, nibabel and pydicom, no torch."""

from typing import TYPE_CHECKING

from napari_scd.lazy import on_first_use
from napari_scd.volume.atomic import atomic_path
from napari_scd.volume.channels import read_channels
from napari_scd.volume.dicom import (
    FoundSeries,
    GivenScan,
    Series,
    choose_series,
    find_series,
    gather_slices,
    is_dicom,
    is_dicom_file,
    is_segmentation,
    pieces_of,
    series_of,
    volume_of,
)
from napari_scd.volume.files import (
    check_labels_writable,
    from_nibabel,
    read_label_names,
    read_label_table,
    read_labels,
    read_volume,
    write_labels,
    write_volume,
)
from napari_scd.volume.folders import walk
from napari_scd.volume.intensity import normalise
from napari_scd.volume.labels import Label, LabelTable
from napari_scd.volume.left_out import LeftOut, Why, listed, sentence_on
from napari_scd.volume.nifti import (
    LABELS_WRITABLE,
    ORIENTATION_UNKNOWN,
    READABLE,
    WRITABLE,
    open_image,
    stem_of,
)
from napari_scd.volume.orientation import Undo, axis_directions, ras_from_spl, spl_from_ras
from napari_scd.volume.phantom import make_phantom
from napari_scd.volume.placing import paste
from napari_scd.volume.recipe import Recipe
from napari_scd.volume.resample import ResampleUndo, axis_weights, resample
from napari_scd.volume.samples import load_icbm152, load_phantom
from napari_scd.volume.sides import Sides, volumes_by_side
from napari_scd.volume.turning import reorient
from napari_scd.volume.volume import Source, Volume

if TYPE_CHECKING:
    from napari_scd.volume.changes import StructureChange as StructureChange
    from napari_scd.volume.changes import compare_labels as compare_labels
    from napari_scd.volume.statistics import StructureStatistics as StructureStatistics
    from napari_scd.volume.statistics import measure_structures as measure_structures
    from napari_scd.volume.statistics import statistics_csv as statistics_csv
    from napari_scd.volume.surfaces import Surface as Surface
    from napari_scd.volume.surfaces import surface_of as surface_of
    from napari_scd.volume.surfaces import write_surface as write_surface

# what only some need, and takes a while to import
_HOME_OF = {
    "StructureChange": "changes",
    "StructureStatistics": "statistics",
    "Surface": "surfaces",
    "compare_labels": "changes",
    "measure_structures": "statistics",
    "statistics_csv": "statistics",
    "surface_of": "surfaces",
    "write_surface": "surfaces",
}

__all__ = [
    "LABELS_WRITABLE",
    "ORIENTATION_UNKNOWN",
    "READABLE",
    "WRITABLE",
    "FoundSeries",
    "GivenScan",
    "Label",
    "LabelTable",
    "LeftOut",
    "Recipe",
    "ResampleUndo",
    "Series",
    "Sides",
    "Source",
    "Undo",
    "Volume",
    "Why",
    "atomic_path",
    "axis_directions",
    "axis_weights",
    "check_labels_writable",
    "choose_series",
    "find_series",
    "from_nibabel",
    "gather_slices",
    "is_dicom",
    "is_dicom_file",
    "is_segmentation",
    "listed",
    "load_icbm152",
    "load_phantom",
    "make_phantom",
    "normalise",
    "open_image",
    "paste",
    "pieces_of",
    "ras_from_spl",
    "read_channels",
    "read_label_names",
    "read_label_table",
    "read_labels",
    "read_volume",
    "reorient",
    "resample",
    "sentence_on",
    "series_of",
    "spl_from_ras",
    "stem_of",
    "volume_of",
    "volumes_by_side",
    "walk",
    "write_labels",
    "write_volume",
    *_HOME_OF,
]
__getattr__ = on_first_use(__name__, _HOME_OF)
