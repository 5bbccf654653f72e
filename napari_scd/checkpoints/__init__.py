"""Names -> weights: one file holds a network, its recipe, its labels and where it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_scd.lazy import on_first_use

if TYPE_CHECKING:
    from napari_scd.checkpoints.bundle import export_bundle as export_bundle
    from napari_scd.checkpoints.card import ModelCard as ModelCard
    from napari_scd.checkpoints.card import Provenance as Provenance
    from napari_scd.checkpoints.foreign import load_reference as load_reference
    from napari_scd.checkpoints.loading import Checkpoint as Checkpoint
    from napari_scd.checkpoints.loading import load as load
    from napari_scd.checkpoints.loading import save as save
    from napari_scd.checkpoints.tested import shipped_figures as shipped_figures
    from napari_scd.checkpoints.zoo import describe as describe
    from napari_scd.checkpoints.zoo import is_name as is_name
    from napari_scd.checkpoints.zoo import list_models as list_models
    from napari_scd.checkpoints.zoo import models_folder as models_folder
    from napari_scd.checkpoints.zoo import suggested_models as suggested_models

_HOME_OF = {
    "Checkpoint": "loading",
    "ModelCard": "card",
    "Provenance": "card",
    "describe": "zoo",
    "export_bundle": "bundle",
    "is_name": "zoo",
    "list_models": "zoo",
    "load": "loading",
    "load_reference": "foreign",
    "models_folder": "zoo",
    "save": "loading",
    "shipped_figures": "tested",
    "suggested_models": "zoo",
}

__all__ = [*_HOME_OF]
__getattr__ = on_first_use(__name__, _HOME_OF)
