"""Compiles what napari needs to draw a label map, before anybody waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels

from napari_scd.viewer.layers import CLEAR, rgba

if TYPE_CHECKING:
    from napari_scd.cancel import CancelToken


def warm_up_drawing(progress: Any, cancel: CancelToken) -> None:
    """Make a small Labels layer that is never shown.

    napari compiles the colouring of label maps (numba) for the first of them in a process, which takes one to
    two seconds: in the thread that draws the window, that would be a freeze just when the first result
    arrives.
    """
    colours = {None: CLEAR, 0: CLEAR, 1: rgba("#ffffff")}
    Labels(np.zeros((2, 2, 2), np.uint8), colormap=colours, features={"index": [0, 1], "name": ["", "a"]})
