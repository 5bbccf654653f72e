"""Training, on your own data and of the shipped models."""

from napari_scd.training.config import (
    Base,
    LossConfig,
    TrainConfig,
    config_from_dict,
    find_config,
    is_shipped,
    preset_names,
    read_config,
)
from napari_scd.training.data import BatchMaker, list_cases, list_test_cases, load_map, write_example
from napari_scd.training.notices import Notice, ReadingCase, StartsFrom
from napari_scd.training.run import (
    Initial,
    RunOptions,
    RunResult,
    SegmentationLoss,
    Step,
    StepLoss,
    export,
    forget_state,
    provenance_of,
    train,
)

__all__ = [
    "Base",
    "BatchMaker",
    "Initial",
    "LossConfig",
    "Notice",
    "ReadingCase",
    "RunOptions",
    "RunResult",
    "SegmentationLoss",
    "StartsFrom",
    "Step",
    "StepLoss",
    "TrainConfig",
    "config_from_dict",
    "export",
    "find_config",
    "forget_state",
    "is_shipped",
    "list_cases",
    "list_test_cases",
    "load_map",
    "preset_names",
    "provenance_of",
    "read_config",
    "train",
    "write_example",
]
