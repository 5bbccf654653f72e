"""Colours of label maps as a table, which napari can use at once.

Given a dict of colours, napari compiles a lookup (numba) before it draws the first label map of a process,
which takes one to two seconds, just when the first result arrives. Labels of at most 16 bits need no compiled
lookup, because a row for each value is enough::

    {0: clear, 1: red, 3: blue, None: clear}  ->  row 0      1    2      3     4 ...
                                                  clear      red  clear  blue  clear
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.colormaps import DirectLabelColormap

if TYPE_CHECKING:
    from napari_scd.viewer.layers.build import Colours


class TableColormap(DirectLabelColormap):  # type: ignore[misc]  # napari has no types
    """napari's colormap of a dict, without compiling; if napari asks in another way, it compiles as usual."""

    def _map_without_cache(self, values: np.ndarray) -> np.ndarray:
        """Colours ``(..., 4)`` float32 of integer labels of any shape."""
        known, where = np.unique(values, return_inverse=True)
        rows = [self.color_dict.get(int(label), self.default_color) for label in known]
        return np.asarray(rows, np.float32).reshape(-1, 4)[where].reshape(*values.shape, 4)


def colour_table(colours: Colours) -> TableColormap:
    """Return a colormap of a dict from label to colour; None stands for all other labels.

    Examples
    --------
    >>> colours = colour_table({None: (0, 0, 0, 0), 1: (1, 0, 0, 1)})
    >>> colours.map(np.array([0, 1, 2], np.uint8)).tolist()
    [[0.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0]]
    """
    return TableColormap(color_dict=colours)


def set_look(layer: Any, name: str, value: Any) -> None:
    """Change an attribute of a layer; the colours of a Labels layer become a table."""
    is_colours = name == "colormap" and type(layer).__name__ == "Labels"
    setattr(layer, name, colour_table(value) if is_colours else value)
