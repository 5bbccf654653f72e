"""Slices of a scan as pictures, whatever way its array axes run; no napari."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_scd.viewer.layers.layer_place import spatial_part
from napari_scd.volume import turn_to

if TYPE_CHECKING:
    from napari_scd.viewer.layers.source_view import SourceView


def middle_slice(view: SourceView) -> tuple[np.ndarray, float]:
    """Return the middle slice as napari first shows it, and the height of a pixel over its width.

    The rows run along the second world axis and the columns along the third.

    Returns
    -------
    (rows, columns) uint8, and the aspect.
    """
    matrix = spatial_part(view.matrix, view.frame)
    turn = turn_to("SPL", matrix)  # the world's three axes in the place of S, P and L
    array = turn(np.asarray(view.data if view.stacked else view.data[view.frame]))
    array = array.reshape(-1, *array.shape[-3:])[0]
    edges = np.linalg.norm((matrix @ turn.matrix(view.shape))[:3, :3], axis=0)
    return grey(array[array.shape[0] // 2]), float(edges[1] / edges[2])


def grey(values: np.ndarray, limits: tuple[float, float] | None = None) -> np.ndarray:
    """Return values as uint8 from black to white; without limits, from the 2nd to the 99th percentile.

    >>> grey(np.array([0.0, 5.0, 20.0]), (0.0, 10.0)).tolist()
    [0, 127, 255]
    """
    numbers = np.nan_to_num(np.asarray(values, np.float32))
    low, high = limits or tuple(float(limit) for limit in np.percentile(numbers, (2, 99)))
    shades = np.clip((numbers - low) / max(high - low, 1e-6), 0, 1) * 255
    return np.asarray(shades, np.uint8)
