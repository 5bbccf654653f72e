"""Rectangles that were drawn on slices become a box of voxels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_scd.viewer.layers.source_view import SourceView

    Index3 = tuple[int, int, int]


class DrawnBox(NamedTuple):
    """First and last voxel of a box, how deep it is through its slices, and what it was drawn with."""

    low: Index3
    high: Index3
    depth_mm: float
    n_rectangles: int


def drawn_box(shapes: Any, image: Any, view: SourceView, point: Sequence[float]) -> DrawnBox | None:
    """Return the box around the selected shapes of a layer, or around all when none is selected.

    A single rectangle has no depth: its box is as deep as its longer side, with the slice in the middle.
    Rectangles on several slices reach from the first to the last.

    Parameters
    ----------
    image
        The layer of the scan.
    point
        The viewer's place in the world, for shapes with fewer axes than the scan.

    Returns
    -------
    DrawnBox or None
        None when nothing was drawn, or all of it beside the image.
    """
    chosen = sorted(shapes.selected_data) or range(len(shapes.data))
    corners = [vertex for number in chosen for vertex in np.asarray(shapes.data[number], float)]
    if not corners:
        return None
    places = np.array([_index(shapes, image, vertex, point) for vertex in corners])
    low, high = places.min(axis=0), places.max(axis=0)
    spacing = np.asarray(view.spacing_mm)
    sides_mm = (high - low) * spacing
    flat = np.flatnonzero(high - low < 1)
    if len(flat) == 1:
        half = sides_mm.max() / spacing[flat[0]] / 2
        low[flat[0]], high[flat[0]] = low[flat[0]] - half, high[flat[0]] + half
    last = np.asarray(view.shape) - 1
    if (high < -0.5).any() or (low > last + 0.5).any():
        return None
    first, end = (np.clip(np.round(edge), 0, last).astype(int) for edge in (low, high))
    across = int(flat[0]) if len(flat) == 1 else int(np.argmin(np.ptp(places, axis=0) * spacing))
    depth_mm = float((end[across] - first[across] + 1) * spacing[across])
    (z0, y0, x0), (z1, y1, x1) = first.tolist(), end.tolist()
    return DrawnBox((z0, y0, x0), (z1, y1, x1), depth_mm, len(chosen))


def _index(shapes: Any, image: Any, vertex: np.ndarray, point: Sequence[float]) -> np.ndarray:
    world = np.array(point, float)
    there = np.asarray(shapes.data_to_world(vertex), float)
    world[-len(there) :] = there[-len(world) :]
    return np.asarray(image.world_to_data(world), float)[-3:]
