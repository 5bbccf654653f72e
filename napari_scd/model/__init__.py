"""The network: tensors in, tensors out."""

from napari_scd.model.config import KEEP_RANGE, PRESETS, ModelConfig
from napari_scd.model.cost import MacsByPart
from napari_scd.model.network import Keep, Prefix, ScdNetwork, Trace, build_network

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
]
