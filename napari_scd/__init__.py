"""napari-scd: segment CT and MR volumes, and see which image patches the network looked at.

Importing this package loads neither torch nor Qt; the names below are fetched when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_scd.checkpoints import list_models, load
    from napari_scd.engine import Request, Segmentation, Session
    from napari_scd.volume import Volume, read_volume, write_labels, write_volume

__version__ = "0.1.0"

_HOME_OF = {
    "Request": "engine",
    "Segmentation": "engine",
    "Session": "engine",
    "Volume": "volume",
    "list_models": "checkpoints",
    "load": "checkpoints",
    "read_volume": "volume",
    "write_labels": "volume",
    "write_volume": "volume",
}

__all__ = [
    "Request",
    "Segmentation",
    "Session",
    "Volume",
    "__version__",
    "list_models",
    "load",
    "read_volume",
    "write_labels",
    "write_volume",
]


def __getattr__(name: str) -> Any:
    """Fetch a public name from the room it lives in."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'napari_scd' has no attribute {name!r}")
    return getattr(import_module(f"napari_scd.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
