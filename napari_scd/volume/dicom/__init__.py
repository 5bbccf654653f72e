"""DICOM: series of slices become volumes, label maps become DICOM segmentations; pydicom loads on use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_scd.lazy import on_first_use

if TYPE_CHECKING:
    from napari_scd.volume.dicom.choosing import choose_series as choose_series
    from napari_scd.volume.dicom.given import GivenScan as GivenScan
    from napari_scd.volume.dicom.given import gather_slices as gather_slices
    from napari_scd.volume.dicom.grouping import pieces_of as pieces_of
    from napari_scd.volume.dicom.reading import read_series as read_series
    from napari_scd.volume.dicom.reading import volume_of as volume_of
    from napari_scd.volume.dicom.recognise import is_dicom as is_dicom
    from napari_scd.volume.dicom.recognise import is_dicom_file as is_dicom_file
    from napari_scd.volume.dicom.segmentation_read import is_segmentation as is_segmentation
    from napari_scd.volume.dicom.segmentation_read import read_segmentation as read_segmentation
    from napari_scd.volume.dicom.segmentation_write import check_segmentable as check_segmentable
    from napari_scd.volume.dicom.segmentation_write import write_segmentation as write_segmentation
    from napari_scd.volume.dicom.series import FoundSeries as FoundSeries
    from napari_scd.volume.dicom.series import Series as Series
    from napari_scd.volume.dicom.series import find_series as find_series
    from napari_scd.volume.dicom.series import series_of as series_of

_HOME_OF = {
    "FoundSeries": "series",
    "GivenScan": "given",
    "Series": "series",
    "check_segmentable": "segmentation_write",
    "choose_series": "choosing",
    "find_series": "series",
    "gather_slices": "given",
    "is_dicom": "recognise",
    "is_dicom_file": "recognise",
    "is_segmentation": "segmentation_read",
    "pieces_of": "grouping",
    "read_segmentation": "segmentation_read",
    "read_series": "reading",
    "series_of": "series",
    "volume_of": "reading",
    "write_segmentation": "segmentation_write",
}

__all__ = [*_HOME_OF]
__getattr__ = on_first_use(__name__, _HOME_OF)
