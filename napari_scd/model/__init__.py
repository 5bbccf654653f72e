"""The network: tensors in, tensors out."""

from napari_scd.model.config import KEEP_RANGE, ModelConfig
from napari_scd.model.cost import MacsByPart
from napari_scd.model.kernels import narrowed, roomy
from napari_scd.model.network import Keep, Prefix, ScdNetwork, Trace, build_network
from napari_scd.model.presets import PRESETS

__all__ = [
    "KEEP_RANGE",
    "PRESETS",
    "Keep",
    "MacsByPart",
    "ModelConfig",
    "Prefix",
    "ScdNetwork",
    "Trace",
    "build_network",
    "narrowed",
    "roomy",
]
