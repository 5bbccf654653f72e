"""The network: tensors in, tensors out. What needs torch is imported at its first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_scd.lazy import on_first_use

if TYPE_CHECKING:
    from napari_scd.model.answers import Prefix as Prefix
    from napari_scd.model.answers import Trace as Trace
    from napari_scd.model.config import ModelConfig as ModelConfig
    from napari_scd.model.cost import MacsByPart as MacsByPart
    from napari_scd.model.decoder import Voxels as Voxels
    from napari_scd.model.decoder_sizes import Size3 as Size3
    from napari_scd.model.keep import KEEP_RANGE as KEEP_RANGE
    from napari_scd.model.keep import Keep as Keep
    from napari_scd.model.keep import check_keep as check_keep
    from napari_scd.model.kernels import narrowed as narrowed
    from napari_scd.model.kernels import plain_kernels as plain_kernels
    from napari_scd.model.kernels import roomy as roomy
    from napari_scd.model.network import ScdNetwork as ScdNetwork
    from napari_scd.model.network import build_network as build_network
    from napari_scd.model.presets import PRESETS as PRESETS
    from napari_scd.model.prompt_maps import BOX_VALUE as BOX_VALUE
    from napari_scd.model.prompt_maps import EXCLUDE as EXCLUDE
    from napari_scd.model.prompt_maps import IMAGE as IMAGE
    from napari_scd.model.prompt_maps import INCLUDE as INCLUDE
    from napari_scd.model.prompt_maps import PREVIOUS as PREVIOUS
    from napari_scd.model.prompt_maps import PROMPT_CHANNELS as PROMPT_CHANNELS
    from napari_scd.model.prompt_maps import RADIUS_VOX as RADIUS_VOX
    from napari_scd.model.prompt_maps import draw_points as draw_points
    from napari_scd.model.pruning import border_loss as border_loss
    from napari_scd.model.pruning import kept_share_loss as kept_share_loss
    from napari_scd.model.sharpening import NOWHERE as NOWHERE
    from napari_scd.model.sharpening import Sharpened as Sharpened
    from napari_scd.model.steering import CHOOSERS as CHOOSERS
    from napari_scd.model.widening import widened_inputs as widened_inputs

_HOME_OF = {
    "BOX_VALUE": "prompt_maps",
    "CHOOSERS": "steering",
    "EXCLUDE": "prompt_maps",
    "IMAGE": "prompt_maps",
    "INCLUDE": "prompt_maps",
    "KEEP_RANGE": "keep",
    "Keep": "keep",
    "MacsByPart": "cost",
    "ModelConfig": "config",
    "PRESETS": "presets",
    "PREVIOUS": "prompt_maps",
    "PROMPT_CHANNELS": "prompt_maps",
    "Prefix": "answers",
    "RADIUS_VOX": "prompt_maps",
    "ScdNetwork": "network",
    "NOWHERE": "sharpening",
    "Sharpened": "sharpening",
    "Size3": "decoder_sizes",
    "Trace": "answers",
    "Voxels": "decoder",
    "border_loss": "pruning",
    "build_network": "network",
    "check_keep": "keep",
    "draw_points": "prompt_maps",
    "kept_share_loss": "pruning",
    "narrowed": "kernels",
    "plain_kernels": "kernels",
    "roomy": "kernels",
    "widened_inputs": "widening",
}

__all__ = [*_HOME_OF]
__getattr__ = on_first_use(__name__, _HOME_OF)
