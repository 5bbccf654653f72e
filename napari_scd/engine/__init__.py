"""Volume in, segmentation out; torch, never Qt or napari."""

from napari_scd.cancel import CancelToken
from napari_scd.engine.hardware import Hardware, choose_hardware
from napari_scd.engine.report import Report, Seconds
from napari_scd.engine.request import Progress, Request
from napari_scd.engine.segmentation import Click, Plan, Segmentation
from napari_scd.engine.session import Session

__all__ = [
    "CancelToken",
    "Click",
    "Hardware",
    "Plan",
    "Progress",
    "Report",
    "Request",
    "Seconds",
    "Segmentation",
    "Session",
    "choose_hardware",
]
