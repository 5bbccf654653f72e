"""DICOM: series of slices become volumes, label maps become DICOM segmentations; pydicom is loaded on use."""

from napari_scd.volume.dicom.reading import read_series, volume_of
from napari_scd.volume.dicom.recognise import is_dicom, is_dicom_file
from napari_scd.volume.dicom.segmentation import is_segmentation, read_segmentation, write_segmentation
from napari_scd.volume.dicom.series import Found, Series, choose_series, find_series, series_of

__all__ = [
    "Found",
    "Series",
    "choose_series",
    "find_series",
    "is_dicom",
    "is_dicom_file",
    "is_segmentation",
    "read_segmentation",
    "read_series",
    "series_of",
    "volume_of",
    "write_segmentation",
]
