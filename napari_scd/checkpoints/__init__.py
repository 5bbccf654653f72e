"""Names -> weights: one file holds a network, its recipe, its labels and where it comes from."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from napari_scd.checkpoints.card import ModelCard, Provenance
from napari_scd.checkpoints.zoo import describe, list_models, models_folder

if TYPE_CHECKING:
    from napari_scd.checkpoints.foreign import load_reference
    from napari_scd.checkpoints.loading import Checkpoint, load, save

__all__ = [
    "Checkpoint",
    "ModelCard",
    "Provenance",
    "describe",
    "list_models",
    "load",
    "load_reference",
    "models_folder",
    "save",
]


def __getattr__(name: str) -> Any:
    """Fetch what needs torch only when it is asked for."""
    if name == "load_reference":
        return import_module("napari_scd.checkpoints.foreign").load_reference
    if name in ("Checkpoint", "load", "save"):
        return getattr(import_module("napari_scd.checkpoints.loading"), name)
    raise AttributeError(f"module 'napari_scd.checkpoints' has no attribute {name!r}")
