"""Training files: YAML in, one frozen and checked configuration out."""

from napari_scd.training.config.config import TrainConfig, section_types
from napari_scd.training.config.images import STILL, LookRange, SynthesisConfig, WarpRange
from napari_scd.training.config.prompts import PromptConfig
from napari_scd.training.config.reading import Base, config_from_dict, read_config
from napari_scd.training.config.sections import (
    IGNORED,
    MOST_WEIGHT,
    DataConfig,
    KeepConfig,
    LossConfig,
    SetConfig,
)
from napari_scd.training.config.shipped import find_config, is_shipped, preset_names

__all__ = [
    "Base",
    "DataConfig",
    "IGNORED",
    "KeepConfig",
    "LookRange",
    "LossConfig",
    "MOST_WEIGHT",
    "PromptConfig",
    "STILL",
    "SetConfig",
    "SynthesisConfig",
    "TrainConfig",
    "WarpRange",
    "config_from_dict",
    "find_config",
    "is_shipped",
    "preset_names",
    "read_config",
    "section_types",
]
