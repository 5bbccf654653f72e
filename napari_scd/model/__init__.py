"""The network: tensors in, tensors out."""

from napari_scd.model.config import KEEP_RANGE, ModelConfig
from napari_scd.model.cost import MacsByPart
from napari_scd.model.kernels import narrowed, roomy
from napari_scd.model.network import Keep, Prefix, ScdNetwork, Trace, build_network
from napari_scd.model.presets import PRESETS
from napari_scd.model.prompt_maps import (
    BOX_VALUE,
    EXCLUDE,
    IMAGE,
    INCLUDE,
    PREVIOUS,
    PROMPT_CHANNELS,
    RADIUS_VOX,
    draw_points,
)
from napari_scd.model.pruning import border_loss
from napari_scd.model.steering import CHOOSERS
from napari_scd.model.widening import widened_inputs

__all__ = [
    "BOX_VALUE",
    "CHOOSERS",
    "EXCLUDE",
    "IMAGE",
    "INCLUDE",
    "KEEP_RANGE",
    "PRESETS",
    "PREVIOUS",
    "PROMPT_CHANNELS",
    "RADIUS_VOX",
    "Keep",
    "MacsByPart",
    "ModelConfig",
    "Prefix",
    "ScdNetwork",
    "Trace",
    "border_loss",
    "build_network",
    "draw_points",
    "narrowed",
    "roomy",
    "widened_inputs",
]
