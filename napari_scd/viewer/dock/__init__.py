"""The dock itself: Qt widgets, the worker thread, mouse and keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_scd.lazy import on_first_use

if TYPE_CHECKING:
    from napari_scd.viewer.dock.timing import time_dock as time_dock
    from napari_scd.viewer.dock.widget import ScdWidget as ScdWidget

_HOME_OF = {"ScdWidget": "widget", "time_dock": "timing"}

__all__ = [*_HOME_OF]
__getattr__ = on_first_use(__name__, _HOME_OF)
