"""Training on a user's own data, and of the models that ship."""

from napari_scd.training.config.config import TrainConfig
from napari_scd.training.config.reading import Base, config_from_dict, read_config
from napari_scd.training.config.shipped import find_config, is_shipped, preset_names
from napari_scd.training.data.example import write_example
from napari_scd.training.notices import Notice, ReadingCase, StartsFrom
from napari_scd.training.run.export import export, provenance_of
from napari_scd.training.run.initial import Initial
from napari_scd.training.run.journal import Step
from napari_scd.training.run.options import RunOptions, RunResult
from napari_scd.training.run.setup import train
from napari_scd.training.run.state_file import forget_state

__all__ = [
    "Base",
    "RunResult",
    "Initial",
    "Notice",
    "ReadingCase",
    "RunOptions",
    "StartsFrom",
    "Step",
    "TrainConfig",
    "config_from_dict",
    "export",
    "find_config",
    "forget_state",
    "is_shipped",
    "preset_names",
    "provenance_of",
    "read_config",
    "train",
    "write_example",
]
