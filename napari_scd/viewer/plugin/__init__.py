"""What napari calls: reader, writers, samples, and a window that opens with the dock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_scd.lazy import on_first_use

if TYPE_CHECKING:
    from napari_scd.viewer.plugin.files import read_layers as read_layers
    from napari_scd.viewer.plugin.files import sample_icbm152 as sample_icbm152
    from napari_scd.viewer.plugin.files import source_grid as source_grid
    from napari_scd.viewer.plugin.files import stem_of as stem_of

_HOME_OF = {
    "read_layers": "files",
    "sample_icbm152": "files",
    "source_grid": "files",
    "stem_of": "files",
}

__all__ = [*_HOME_OF]
__getattr__ = on_first_use(__name__, _HOME_OF)
