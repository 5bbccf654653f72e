"""DICOM: series of slices become volumes, label maps become DICOM segmentations; pydicom is loaded on use."""

from napari_scd.volume.dicom.given import GivenScan, gather_slices
from napari_scd.volume.dicom.grouping import pieces_of
from napari_scd.volume.dicom.reading import read_series, volume_of
from napari_scd.volume.dicom.recognise import is_dicom, is_dicom_file
from napari_scd.volume.dicom.segmentation_read import is_segmentation, read_segmentation
from napari_scd.volume.dicom.segmentation_write import check_segmentable, write_segmentation
from napari_scd.volume.dicom.series import FoundSeries, Series, choose_series, find_series, series_of

__all__ = [
    "FoundSeries",
    "GivenScan",
    "Series",
    "check_segmentable",
    "choose_series",
    "find_series",
    "gather_slices",
    "is_dicom",
    "is_dicom_file",
    "is_segmentation",
    "pieces_of",
    "read_segmentation",
    "read_series",
    "series_of",
    "volume_of",
    "write_segmentation",
]
