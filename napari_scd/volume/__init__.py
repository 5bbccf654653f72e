"""What we segment: volumes, their files, and how they are prepared. numpy, nibabel and pydicom, no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_scd.lazy import on_first_use

if TYPE_CHECKING:
    from napari_scd.volume.atomic import atomic_path as atomic_path
    from napari_scd.volume.changes import StructureChange as StructureChange
    from napari_scd.volume.changes import changes_csv as changes_csv
    from napari_scd.volume.changes import compare_labels as compare_labels
    from napari_scd.volume.channels import read_channels as read_channels
    from napari_scd.volume.dicom import FoundSeries as FoundSeries
    from napari_scd.volume.dicom import GivenScan as GivenScan
    from napari_scd.volume.dicom import Series as Series
    from napari_scd.volume.dicom import choose_series as choose_series
    from napari_scd.volume.dicom import find_series as find_series
    from napari_scd.volume.dicom import gather_slices as gather_slices
    from napari_scd.volume.dicom import is_dicom as is_dicom
    from napari_scd.volume.dicom import is_dicom_file as is_dicom_file
    from napari_scd.volume.dicom import is_segmentation as is_segmentation
    from napari_scd.volume.dicom import pieces_of as pieces_of
    from napari_scd.volume.dicom import series_of as series_of
    from napari_scd.volume.dicom import volume_of as volume_of
    from napari_scd.volume.files import check_labels_writable as check_labels_writable
    from napari_scd.volume.files import from_nibabel as from_nibabel
    from napari_scd.volume.files import read_label_names as read_label_names
    from napari_scd.volume.files import read_label_table as read_label_table
    from napari_scd.volume.files import read_labels as read_labels
    from napari_scd.volume.files import read_volume as read_volume
    from napari_scd.volume.files import write_labels as write_labels
    from napari_scd.volume.files import write_volume as write_volume
    from napari_scd.volume.files_of_structures import structure_files as structure_files
    from napari_scd.volume.folders import walk as walk
    from napari_scd.volume.intensity import normalise as normalise
    from napari_scd.volume.labels import Label as Label
    from napari_scd.volume.labels import LabelTable as LabelTable
    from napari_scd.volume.left_out import LeftOut as LeftOut
    from napari_scd.volume.left_out import Why as Why
    from napari_scd.volume.left_out import listed as listed
    from napari_scd.volume.left_out import sentence_on as sentence_on
    from napari_scd.volume.nifti import LABELS_WRITABLE as LABELS_WRITABLE
    from napari_scd.volume.nifti import ORIENTATION_UNKNOWN as ORIENTATION_UNKNOWN
    from napari_scd.volume.nifti import READABLE as READABLE
    from napari_scd.volume.nifti import WRITABLE as WRITABLE
    from napari_scd.volume.nifti import open_image as open_image
    from napari_scd.volume.nifti import stem_of as stem_of
    from napari_scd.volume.orientation import Undo as Undo
    from napari_scd.volume.orientation import axis_directions as axis_directions
    from napari_scd.volume.orientation import ras_from_spl as ras_from_spl
    from napari_scd.volume.orientation import spl_from_ras as spl_from_ras
    from napari_scd.volume.orientation import turn_to as turn_to
    from napari_scd.volume.palette import colour_of_rank as colour_of_rank
    from napari_scd.volume.phantom import make_phantom as make_phantom
    from napari_scd.volume.placing import paste as paste
    from napari_scd.volume.recipe import Recipe as Recipe
    from napari_scd.volume.resampling import ResampleUndo as ResampleUndo
    from napari_scd.volume.resampling import axis_weights as axis_weights
    from napari_scd.volume.resampling import resample as resample
    from napari_scd.volume.samples import load_icbm152 as load_icbm152
    from napari_scd.volume.samples import load_phantom as load_phantom
    from napari_scd.volume.shaping import SHAPE_EDITS as SHAPE_EDITS
    from napari_scd.volume.shaping import ShapeEdit as ShapeEdit
    from napari_scd.volume.shaping import reshape_mask as reshape_mask
    from napari_scd.volume.sides import Sides as Sides
    from napari_scd.volume.sides import volumes_by_side as volumes_by_side
    from napari_scd.volume.statistics import StructureStatistics as StructureStatistics
    from napari_scd.volume.statistics import measure_structures as measure_structures
    from napari_scd.volume.statistics import statistics_csv as statistics_csv
    from napari_scd.volume.surfaces import SURFACE_SUFFIXES as SURFACE_SUFFIXES
    from napari_scd.volume.surfaces import Surface as Surface
    from napari_scd.volume.surfaces import surface_of as surface_of
    from napari_scd.volume.surfaces import write_surface as write_surface
    from napari_scd.volume.turning import reorient as reorient
    from napari_scd.volume.volume import Source as Source
    from napari_scd.volume.volume import Volume as Volume

_HOME_OF = {
    "FoundSeries": "dicom",
    "GivenScan": "dicom",
    "LABELS_WRITABLE": "nifti",
    "Label": "labels",
    "LabelTable": "labels",
    "LeftOut": "left_out",
    "ORIENTATION_UNKNOWN": "nifti",
    "READABLE": "nifti",
    "Recipe": "recipe",
    "ResampleUndo": "resampling",
    "SHAPE_EDITS": "shaping",
    "Series": "dicom",
    "SURFACE_SUFFIXES": "surfaces",
    "ShapeEdit": "shaping",
    "Sides": "sides",
    "Source": "volume",
    "StructureChange": "changes",
    "StructureStatistics": "statistics",
    "Surface": "surfaces",
    "Undo": "orientation",
    "Volume": "volume",
    "WRITABLE": "nifti",
    "Why": "left_out",
    "atomic_path": "atomic",
    "axis_directions": "orientation",
    "axis_weights": "resampling",
    "changes_csv": "changes",
    "check_labels_writable": "files",
    "choose_series": "dicom",
    "colour_of_rank": "palette",
    "compare_labels": "changes",
    "find_series": "dicom",
    "from_nibabel": "files",
    "gather_slices": "dicom",
    "is_dicom": "dicom",
    "is_dicom_file": "dicom",
    "is_segmentation": "dicom",
    "listed": "left_out",
    "load_icbm152": "samples",
    "load_phantom": "samples",
    "make_phantom": "phantom",
    "measure_structures": "statistics",
    "normalise": "intensity",
    "open_image": "nifti",
    "paste": "placing",
    "pieces_of": "dicom",
    "ras_from_spl": "orientation",
    "read_channels": "channels",
    "read_label_names": "files",
    "read_label_table": "files",
    "read_labels": "files",
    "read_volume": "files",
    "reorient": "turning",
    "resample": "resampling",
    "reshape_mask": "shaping",
    "sentence_on": "left_out",
    "series_of": "dicom",
    "spl_from_ras": "orientation",
    "statistics_csv": "statistics",
    "stem_of": "nifti",
    "structure_files": "files_of_structures",
    "surface_of": "surfaces",
    "turn_to": "orientation",
    "volume_of": "dicom",
    "volumes_by_side": "sides",
    "walk": "folders",
    "write_labels": "files",
    "write_surface": "surfaces",
    "write_volume": "files",
}

__all__ = [*_HOME_OF]
__getattr__ = on_first_use(__name__, _HOME_OF)
