"""Names -> weights: one file holds a network, its recipe, its labels and where it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_scd.checkpoints.card import ModelCard, Provenance
from napari_scd.checkpoints.tested import shipped_figures
from napari_scd.checkpoints.zoo import describe, is_name, list_models, models_folder
from napari_scd.lazy import on_first_use

if TYPE_CHECKING:
    from napari_scd.checkpoints.bundle import export_bundle as export_bundle
    from napari_scd.checkpoints.foreign import load_reference as load_reference
    from napari_scd.checkpoints.loading import Checkpoint as Checkpoint
    from napari_scd.checkpoints.loading import load as load
    from napari_scd.checkpoints.loading import save as save

# what needs torch
_HOME_OF = {
    "Checkpoint": "loading",
    "export_bundle": "bundle",
    "load": "loading",
    "load_reference": "foreign",
    "save": "loading",
}

__all__ = [
    "ModelCard",
    "Provenance",
    "describe",
    "is_name",
    "list_models",
    "models_folder",
    "shipped_figures",
    *_HOME_OF,
]
__getattr__ = on_first_use(__name__, _HOME_OF)
