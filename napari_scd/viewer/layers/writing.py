"""New values for layers that are on screen."""

from __future__ import annotations

from typing import Any

import numpy as np


def redraw(layer: Any, data: np.ndarray) -> None:
    """Give one of our layers other values; in place where the shape stays, which costs half a redraw."""
    if tuple(layer.data.shape) != data.shape or layer.data.dtype != data.dtype:
        layer.data = data
        return
    if layer.data is not data:
        np.copyto(layer.data, data)
    layer.refresh(extent=False, highlight=False, thumbnail=False)


def write_labels_into(layer: Any, frame: tuple[int, ...], places: np.ndarray, labels: np.ndarray) -> None:
    """Write labels into one frame of a Labels layer, as one step of its own undo history.

    Parameters
    ----------
    places : (n,) int
        Flat indices into the frame.
    labels : (n,)
    """
    if not places.size:
        return
    inside = np.unravel_index(places, layer.data.shape[-3:])
    indices = (*(np.full(places.size, i) for i in frame), *inside)
    try:
        layer.data_setitem(indices, labels)
    except IndexError:  # data and history are written; napari fails to redraw slices of sheared layers
        layer.refresh()
