"""Training on a user's own data, and of the models that ship."""

from napari_scd.training.config import TrainConfig, config_from_dict, read_config
from napari_scd.training.loop import Finished, RunOptions, Step, train

__all__ = ["Finished", "RunOptions", "Step", "TrainConfig", "config_from_dict", "read_config", "train"]
