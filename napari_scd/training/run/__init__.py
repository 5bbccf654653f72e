"""One training run: set-up, steps, validation, checkpoints, export."""

from napari_scd.training.run.export import export, provenance_of
from napari_scd.training.run.initial import Initial
from napari_scd.training.run.journal import Step
from napari_scd.training.run.loss import SegmentationLoss
from napari_scd.training.run.options import RunOptions, RunResult
from napari_scd.training.run.setup import train
from napari_scd.training.run.state_file import forget_state
from napari_scd.training.run.step_loss import StepLoss

__all__ = [
    "Initial",
    "RunOptions",
    "RunResult",
    "SegmentationLoss",
    "Step",
    "StepLoss",
    "export",
    "forget_state",
    "provenance_of",
    "train",
]
